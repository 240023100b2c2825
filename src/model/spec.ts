import type { Digest } from './digest.ts';

/**
 * The file of docs/spec.md as a value: readonly, serialisable, with the keys that it has in YAML.
 * Keys that are not known are kept.
 */
export interface Spec {
  readonly repronim: 1;
  /** The spec that this one is on top of: a file below this one's folder. */
  readonly from?: string;
  readonly runs?: readonly Run[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly distributions: readonly DistributionSpec[];
  /** What is done after the distributions, in order: the user's own. */
  readonly customize?: readonly CustomizeStep[];
  /** Loose files: owned by no distribution, read by a run. Absolute paths. */
  readonly files?: readonly string[];
  readonly lock?: Lock;
}

/** What stands above `lock:` for one distribution; a plug-in's own type extends it. */
export interface DistributionSpec {
  readonly type: string;
  /** Default: the type. */
  readonly id?: string;
  /** The id of the distribution that this one stands on. Default: the one that stands alone. */
  readonly base?: string;
}

/** One step of the user's own; exactly one of its keys is there. */
export interface CustomizeStep {
  /** A program and its arguments, run in the new root: confined, without a network. */
  readonly run?: readonly string[];
  readonly file?: CustomizeFile;
}

/** A file that is put into the new root: its text, or a file beside the spec whose content is then known by `sha256`. */
export interface CustomizeFile {
  readonly path: string;
  /** Four octal digits; default `"0644"`. */
  readonly mode?: string;
  readonly content?: string;
  /** Relative to the spec's folder, and below it. */
  readonly source?: string;
  readonly size?: number;
  readonly sha256?: string;
}

export interface Run {
  /** Default: `run`, `run-2` … by position. */
  readonly id?: string;
  readonly command: readonly string[];
  /** Absolute; default `/`. */
  readonly directory?: string;
  /** The exit status, 128 + N when signal N ended it. Default 0. */
  readonly status?: number;
  /** Ids of the distributions that are active for it, in order: what `activate` of each sets comes over `environment`. */
  readonly with?: readonly string[];
  /** What only this run has of variables; the file's `environment` is what all runs share. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Paths relative to `directory` where they lie below it, else absolute. */
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

export interface Lock {
  /** What the spec that this one is on top of came to: the digest of its tree. */
  readonly from?: Digest;
  readonly distributions?: Readonly<Record<string, DistributionLock>>;
  readonly files?: readonly FileLock[];
  readonly runs?: Readonly<Record<string, RunLock>>;
  readonly host?: HostFacts;
}

/** A plug-in's own lock type extends it. `of` is the digest of the entry above (see `entryDigest`). */
export interface DistributionLock {
  readonly of: Digest;
}

/** A file, link or directory by its content. Exactly one of `sha256` (with `size`), `link` and `directory` is there. */
export interface FileLock {
  readonly path: string;
  /** Four octal digits, e.g. `"0644"`; absent for a link. */
  readonly mode?: string;
  /** Default 0. */
  readonly uid?: number;
  readonly gid?: number;
  /** Whole seconds since the epoch: make and Python's compiled files depend on it. */
  readonly mtime?: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly link?: string;
  readonly directory?: true;
  /** Why the content is not carried: `limit`, `secret`, `private`, `unreadable`, or `changed`: not known any more. */
  readonly left?: string;
}

export interface StreamLock {
  readonly size: number;
  readonly sha256: string;
}

export interface RunLock {
  readonly of: Digest;
  readonly as: {
    readonly uid: number;
    readonly gid: number;
    readonly groups?: readonly number[];
    /** Four octal digits. */
    readonly umask: string;
    readonly home: string;
  };
  readonly stdin?: StreamLock;
  readonly stdout?: StreamLock;
  /** A list of the files of distributions that it used, each with its sha256: content of the store and of bundles. */
  readonly used?: StreamLock & { readonly files: number };
  /** State before the run of what it read. */
  readonly inputs?: readonly FileLock[];
  /** State after the run of what it made or changed. */
  readonly outputs?: readonly FileLock[];
  /** State before the run of what it changed and had been there, and of folders that it listed. */
  readonly before?: readonly FileLock[];
}

export interface HostFacts {
  readonly kernel?: string;
  readonly cpu?: string;
  readonly virtual?: Readonly<Record<string, string>>;
}

/** The id of a distribution: its own, or its type. */
export function distributionId(distribution: DistributionSpec): string {
  return distribution.id ?? distribution.type;
}

/** The id of the run at `index`: its own, or `run`, `run-2`, … by position. */
export function runId(run: Run, index: number): string {
  return run.id ?? (index === 0 ? 'run' : `run-${index + 1}`);
}
