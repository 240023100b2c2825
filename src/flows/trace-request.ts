import type { RunLock } from '../model/index.ts';
import type { Root, TraceResult } from '../contract/index.ts';
import type { Limits } from './files.ts';
import type { WatchRequest } from './watch.ts';

/** What to trace: a command that is run, or paths of a root. */
export interface TraceRequest {
  /** What is looked at; `host` for a command that is run. */
  readonly root: Root;
  readonly run?: WatchRequest & { readonly as: RunLock['as'] };
  /** Without a run: the paths, absolute; a folder stands for all that is in it. */
  readonly paths?: readonly string[];
  /** Files of distributions that are described as well: what earlier runs of the same spec used. Absolute. */
  readonly also?: readonly string[];
  /** The whole machine: everything installed, and what lies beside it. */
  readonly system?: boolean;
  /** Paths that are inputs or outputs wherever they lie; absolute. */
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  /** Private files that are kept all the same. */
  readonly include?: readonly string[];
  /** Never looked at: our own files. Absolute; a folder with all that is in it. */
  readonly except?: readonly string[];
  /** Further variables that the spec shall have. */
  readonly variables?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Gets what was seen of the run, before anything is made of it. */
  readonly onSeen?: (seen: TraceResult) => void;
}
