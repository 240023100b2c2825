import type { Entry, Note } from '../model/index.ts';

/** What `lstat` tells; the last part of the path is not followed. */
export interface Stat {
  readonly type: Entry['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Identifies one inode in this root, where the root knows (hard links). */
  readonly inode?: string;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly type: Entry['type'];
}

export interface ScanOptions {
  /** Below which paths; default `/`. */
  readonly below?: readonly string[];
  /** Not entered and not reported. Absolute paths. */
  readonly except?: readonly string[];
  /** Which digests are made of files; default sha256 only; `[]` for none. */
  readonly digests?: readonly ('sha256' | 'md5')[];
  readonly signal?: AbortSignal;
}

/**
 * The read-only view of one filesystem: this machine, a directory, an image's tar, the inside of an instance.
 *
 * Paths are absolute in the root, and links are resolved in it: nothing is ever followed out of it. Bytes that are
 * not UTF-8 come and go as lone surrogates U+DC80 to U+DCFF (Python's surrogateescape). What is not there, or can't be
 * read, is `undefined` in a batch; `readFile`, `readdir` and `readlink` throw a RootError with the errno's name.
 */
export interface Root extends AsyncDisposable {
  /** As a person names it: `host`, `root:DIR`, an instance's name. */
  readonly label: string;
  /** The folder on this machine that is the root, for what must be fast; absent where there is none. */
  readonly directory?: string;
  /** What could not be taken in when it was opened: members of an archive that lead out of it, say. */
  readonly notes?: readonly Note[];
  /** Follows links within the root. Throws RootError `EFBIG` past `limit` bytes (default 512 MiB). */
  readFile(path: string, limit?: number): Promise<Buffer>;
  readdir(path: string): Promise<readonly DirectoryEntry[]>;
  readlink(path: string): Promise<string>;
  lstat(paths: readonly string[]): Promise<readonly (Stat | undefined)[]>;
  /** The path with every link resolved within the root, the last part included. */
  realpath(paths: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Digests of files' contents (links followed within the root), hexadecimal. */
  digest(paths: readonly string[], algorithm: 'sha256' | 'md5'): Promise<readonly (string | undefined)[]>;
  /** Every entry of the tree in byte order of paths, a directory before what is in it; one filesystem walk. */
  scan(options?: ScanOptions): AsyncIterable<Entry>;
}

/** A path of a root that could not be read. `code` is the errno's name: ENOENT, EACCES, ELOOP, EFBIG … */
export class RootError extends Error {
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, label: string) {
    super(`${code}: ${path} in ${label}`);
    this.name = 'RootError';
    this.code = code;
    this.path = path;
  }
}
