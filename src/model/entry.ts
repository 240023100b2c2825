import type { Digest } from './digest.ts';

/**
 * One member of a tree, as the fingerprint sees it. `path` is absolute in its root. Names that are not UTF-8 are
 * carried as latin1-escaped bytes: see `roots/names.ts`.
 */
export interface Entry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link' | 'character' | 'block' | 'fifo' | 'socket';
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In bytes; files only. */
  readonly size?: number;
  /** sha256 of a file's content, in hexadecimal. */
  readonly sha256?: string;
  /** md5 of a file's content, where the scan was asked for it. */
  readonly md5?: string;
  /** A link's target, as it is. */
  readonly target?: string;
  /** Of a device: `[major, minor]`. */
  readonly device?: readonly [number, number];
  /** The raw `security.capability` attribute, in hexadecimal. */
  readonly capability?: string;
  /** Set where a file's content, a folder's names or a link's target could not be read. */
  readonly unreadable?: true;
}

/** A hash over every entry of a tree that is not volatile. */
export interface Fingerprint {
  readonly digest: Digest;
  readonly entries: number;
  /** Whose owners were taken: those that are visible, or those of the rootfs's manifest. */
  readonly owners: 'visible' | 'manifest';
}

/** A path, or a tree that ends in `/`, or a glob with `*` and `**`, that a fingerprint leaves out, and why. */
export interface VolatilePath {
  readonly pattern: string;
  readonly because: string;
}
