/** Enough of the library to use an instance that is there, and quick to load: `index.ts` is all of it. */
import { openStore } from './archives/store.ts';
import { backends } from './backends/index.ts';
import type { Hall } from './flows/house.ts';
import { loadConfig, type Config } from './formats/config.ts';
import { openInventory } from './inventory/inventory.ts';
import { places } from './inventory/places.ts';
import type { OnProgress } from './model/index.ts';

export interface HouseOptions {
  /** Default: ours. Names the XDG places, and settings as `REPRONIM_*`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Opens this user's places, with the backends. Changes nothing on disk; settings are read when they are asked for. */
export function openHall(options: HouseOptions = {}): Hall {
  const env = options.env ?? process.env;
  const where = places(env);
  let config: Config | undefined;
  return {
    backends,
    places: where,
    store: openStore(where.store),
    inventory: openInventory(where.state),
    settings: (name) => (config ??= loadConfig({ env, home: where.config })).table(name),
    onProgress: options.onProgress ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
  };
}
