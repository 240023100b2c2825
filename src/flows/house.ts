import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { OnProgress } from '../model/index.ts';
import type {
  AnyBackend,
  AnyDistribution,
  Context,
  CreateContext,
  Store,
  TraceContext,
  Tracer,
} from '../contract/index.ts';
import { fetchAll } from '../archives/fetch.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Places } from '../inventory/places.ts';

/** Everything that a flow works with: the plug-ins, this user's places, and whom to report to. */
export interface House {
  readonly distributions: readonly AnyDistribution[];
  readonly backends: readonly AnyBackend[];
  readonly tracer: Tracer;
  readonly places: Places;
  readonly store: Store;
  readonly inventory: Inventory;
  readonly settings: Context['settings'];
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export function contextOf(house: House): Context {
  const { store, onProgress, signal, settings } = house;
  return { store, onProgress, signal, settings };
}

export function traceContextOf(house: House, options: Pick<TraceContext, 'scope' | 'keep' | 'whole'>): TraceContext {
  return { ...contextOf(house), ...options };
}

export function createContextOf(house: House, work: string, trusted: boolean): CreateContext {
  const context = contextOf(house);
  return {
    ...context,
    work,
    trusted,
    fetch: async (wanted) => await fetchAll(wanted, { ...context, work: join(work, 'fetch') }),
  };
}

/** Does something with a folder of its own, on the disk of the store, that is gone afterwards. */
export async function withWork<T>(house: House, use: (work: string) => Promise<T>): Promise<T> {
  const folder = join(house.places.data, 'work');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(folder, `${process.pid}-`));
  try {
    return await use(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
