import type { Argv } from '../model/index.ts';
import type { Root } from './root.ts';

export interface RunOptions {
  /** The whole environment of the program; nothing is inherited. Default: PATH and LC_ALL=C.UTF-8 only. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  /** Exit statuses that are not an error. Default `[0]`; `'any'` accepts all. */
  readonly accept?: readonly number[] | 'any';
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Bytes kept of each of stdout and stderr; more is an error. Default 64 MiB. */
  readonly limit?: number;
}

export interface RunResult {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where it runs when there is no `cwd`; default: that is an error. */
  readonly otherwise?: string;
  readonly user?: {
    readonly uid: number;
    readonly gid: number;
    readonly groups?: readonly number[];
    readonly umask?: number;
  };
  /** A file descriptor of ours that the program gets, or none (`ignore`: /dev/null). */
  readonly stdin: number | 'ignore' | 'inherit';
  readonly stdout: number | 'ignore' | 'inherit';
  readonly stderr: number | 'ignore' | 'inherit';
  /** Whether the program gets a terminal of its own (needs `inherit` on all three). */
  readonly tty?: boolean;
  readonly signal?: AbortSignal;
}

/** A way to be somewhere. */
export interface Session extends AsyncDisposable {
  /** Looking, in the same place. */
  readonly root: Root;
  /**
   * Where it is a whole machine, and no tree of ours: too much to be looked through, and only `scratch` is a folder in
   * which things may be put for a while.
   */
  readonly machine?: { readonly scratch: string };
  /** Runs a program to its end and returns what it wrote. Throws CommandFailed for a status that is not accepted. */
  run(argv: Argv, options?: RunOptions): Promise<RunResult>;
  /** Runs a program on our descriptors; resolves with its exit status (128 + N for signal N, 126, 127 as a shell has them). */
  exec(argv: Argv, options: ExecOptions): Promise<number>;
  /** Replaces a file atomically, making parents; never follows a link at the last part. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Unpacks a tar (not compressed) below `into`; members never leave it. */
  untar(stream: AsyncIterable<Uint8Array>, into: string): Promise<void>;
  /** One tar of these paths; names in it are relative to `/`. */
  tar(paths: readonly string[]): AsyncIterable<Uint8Array>;
}
