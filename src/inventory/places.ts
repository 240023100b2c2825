import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where things of this user lie (XDG Base Directory Specification 0.8). None of the folders need exist. */
export interface Places {
  /** `config.toml`. */
  readonly config: string;
  /** What is worth keeping: the store and the rootfs trees. */
  readonly data: string;
  /** The inventory. */
  readonly state: string;
  /** What can be made again. */
  readonly cache: string;
  /** Sockets and such; gone after a restart. */
  readonly runtime: string;
  /** In `data`: the content-addressed store. */
  readonly store: string;
  /** In `data`: one tree for each lock. */
  readonly rootfs: string;
}

/** The places that an environment names. `REPRONIM_HOME=DIR` puts all of them below one folder. */
export function places(env: Readonly<Record<string, string | undefined>>): Places {
  const home = env['REPRONIM_HOME'];
  if (home !== undefined && isAbsolute(home)) {
    return withData(
      join(home, 'config'),
      join(home, 'data'),
      join(home, 'state'),
      join(home, 'cache'),
      join(home, 'run'),
    );
  }
  const user = absolute(env['HOME']) ?? homedir();
  const at = (variable: string, fallback: string) => join(absolute(env[variable]) ?? join(user, fallback), 'repronim');
  const state = at('XDG_STATE_HOME', '.local/state');
  const runtime = absolute(env['XDG_RUNTIME_DIR']);
  return withData(
    at('XDG_CONFIG_HOME', '.config'),
    at('XDG_DATA_HOME', '.local/share'),
    state,
    at('XDG_CACHE_HOME', '.cache'),
    runtime === undefined ? join(state, 'run') : join(runtime, 'repronim'),
  );
}

function withData(config: string, data: string, state: string, cache: string, runtime: string): Places {
  return { config, data, state, cache, runtime, store: join(data, 'store'), rootfs: join(data, 'rootfs') };
}

/** Relative paths are to be ignored, as the specification has it. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
