import type { ContentRef } from '../model/index.ts';

/** The content-addressed store of this user: files by sha256, added atomically, never changed. */
export interface Store {
  /** The file that holds this content, or undefined. Its digest was checked when it was added. */
  find(sha256: string): Promise<string | undefined>;
  /** Adds bytes, or what a stream gives; returns what it turned out to be. */
  add(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<ContentRef>;
  /** Adds a file of this machine by copying it (cloned where the filesystem can). */
  addFile(file: string): Promise<ContentRef>;
  /** Takes content out: it turned out to be broken. */
  remove(sha256: string): Promise<void>;
  /** A folder for things derived from content (unpacked payloads …); may be pruned at any time. */
  cache(name: string): string;
}

/** One place where content may be had. */
export interface Source {
  /** What sort of place it is, as a summary counts them: `apt's cache`, `mirror`, `pool`, `snapshot` … */
  readonly kind: string;
  /** As a person reads it: an address, `apt's cache`, `bundle`. */
  readonly label: string;
  /** A file of this machine, or an http(s) address. */
  readonly file?: string;
  readonly url?: string;
}

/** Content that is wanted, and where to look, in this order. */
export interface Wanted extends ContentRef {
  /** As a person names it: a package and its version. */
  readonly what: string;
  /** Asked one after the other; later ones only when the earlier have failed. */
  sources(): AsyncIterable<Source>;
}

/** Content that could not be had, with every place that was tried and what came of it. */
export interface Missing {
  readonly what: string;
  readonly sha256: string;
  readonly tried: readonly { readonly label: string; readonly because: string }[];
}

export interface Obtained {
  /** How many came from where: `stored`, or a source's kind. */
  readonly from: Readonly<Record<string, number>>;
  /** What was offered under the right name with another content, and not taken. */
  readonly refused: readonly {
    readonly what: string;
    readonly label: string;
    readonly sha256: string;
    readonly got: string;
  }[];
  readonly missing: readonly Missing[];
}
