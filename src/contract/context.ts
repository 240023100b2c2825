import type { OnProgress, PackageId } from '../model/index.ts';
import type { Obtained, Store, Wanted } from './store.ts';

/** What every longer operation gets. */
export interface Context {
  readonly store: Store;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
  /** This machine's settings for one plug-in or archive: a table of config.toml, or an empty one. */
  settings(name: string): Readonly<Record<string, unknown>>;
}

/** What is known of the run beside the paths that it used. */
export interface Ran {
  /** The environment that the command was given, secrets and all: only what a distribution is about may be taken. */
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Programs that were executed: argv as given, and the file. */
  readonly programs: readonly { readonly file: string; readonly argv: readonly string[] }[];
}

/** What `describe` gets. */
export interface TraceContext extends Context {
  /** `used`: what was used and its closure; `all`: the whole collection. */
  readonly scope: 'used' | 'closure' | 'all';
  /** Whether content that only this machine has is put into the store. */
  readonly keep: boolean;
  /** Folders that are taken as one prefix whole. */
  readonly whole: readonly string[];
  /** Absent where nothing was run: paths were named. */
  readonly ran?: Ran;
}

/** What `obtain`, `resolve` and `bootstrap` get. */
export interface CreateContext extends Context {
  /** Gets content into the store: checked, several at a time, resumed; never throws for what is missing. */
  fetch(wanted: readonly Wanted[]): Promise<Obtained>;
  /** A folder of this machine for intermediate files; removed afterwards. */
  readonly work: string;
  /** Says that confinement may be missing: one's own trace, or `--trust`. */
  readonly trusted: boolean;
  /** Of an entry that is resolved: the packages of what it stands on, as exactly as they are known by then. */
  readonly base?: readonly PackageId[];
}
