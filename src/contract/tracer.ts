import type { Argv, Note, OnProgress } from '../model/index.ts';
import type { ExecOptions, Session } from './session.ts';

/** What was done with one path, over the whole run. Paths are absolute, as the kernel resolved them. */
export interface Access {
  readonly path: string;
  /** Opened for reading, or read by the kernel (interpreter, `#!`), or executed. */
  readonly read: boolean;
  /** Opened for writing, created, truncated, renamed to, linked. */
  readonly written: boolean;
  readonly executed: boolean;
  /** Opened for writing before it was ever read: its old content was not used (O_TRUNC, or created by the run). */
  readonly writtenFirst: boolean;
  /** Removed or renamed away by the run, and not there at its end. */
  readonly removed: boolean;
  /** A directory that was listed or worked in. */
  readonly directory: boolean;
  /** Only asked about (`--stat`). */
  readonly asked: boolean;
  /** Names by which the program asked for it that are not its resolved path: links on the way, each absolute. */
  readonly via: readonly string[];
  /** Seen in another mount namespace or root: not to be looked up on this machine. */
  readonly foreign: boolean;
}

export interface TraceResult {
  /** The command's: 128 + N when signal N ended it; 126, 127 as a shell has them. */
  readonly status: number;
  /** Sorted by path. */
  readonly accesses: readonly Access[];
  /** Working directories of all processes, the first one included. */
  readonly directories: readonly string[];
  /** Programs that were executed: argv as given, and the file. */
  readonly programs: readonly { readonly file: string; readonly argv: readonly string[] }[];
  /** Sockets that were connected to: a path, or `ADDRESS:PORT`. */
  readonly sockets: readonly string[];
  readonly notes: readonly Note[];
}

export interface TraceOptions {
  /** Where it runs; default: on this machine. What is not there for watching is brought along, and taken away again. */
  readonly session?: Session;
  /** As whom it runs in the session; default: as root. */
  readonly user?: ExecOptions['user'];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: number | 'inherit' | 'ignore';
  readonly stdout: number | 'inherit' | 'ignore';
  readonly stderr: number | 'inherit' | 'ignore';
  /** Also what is only asked about (stat, access, readlink): slower. */
  readonly stat: boolean;
  readonly allowIoUring?: boolean;
  /** A folder for the raw log; removed by the caller. */
  readonly work: string;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** How a command is watched. */
export interface Tracer {
  readonly name: string;
  /** The best mode that works here, found by trying; cached for this machine and tracer version by the caller. */
  probe(
    signal: AbortSignal,
  ): Promise<
    | { readonly usable: true; readonly detail: string }
    | { readonly usable: false; readonly because: string; readonly hint: string }
  >;
  trace(argv: Argv, options: TraceOptions): Promise<TraceResult>;
}
