/** A program and its arguments. Nothing in a spec can become syntax. */
export type Argv = readonly [program: string, ...args: string[]];

/** Content by its sha256, held by the store, by a bundle, or to be fetched. Size in bytes. */
export interface ContentRef {
  readonly sha256: string;
  readonly size: number;
}

/** Content that nobody has made so far, in a plan that is only looked at. */
export const notMadeYet: ContentRef = { sha256: '', size: 0 };

interface StepBase {
  /** The reason, for people: `--dry-run` prints it. */
  readonly because: string;
}

/**
 * One thing to do inside the new root. Paths are absolute and in the root; modes are octal strings (`0644`).
 * `write` replaces what is there, makes missing parents (0755), and never follows a link at the last part.
 */
export type Step = StepBase &
  (
    | { readonly do: 'run'; readonly argv: Argv; readonly env?: Readonly<Record<string, string>> }
    | {
        readonly do: 'write';
        readonly path: string;
        readonly content: string | ContentRef;
        readonly mode?: string;
        readonly uid?: number;
        readonly gid?: number;
        /** Whole seconds since the epoch; default 0. */
        readonly mtime?: number;
      }
    | { readonly do: 'link'; readonly path: string; readonly target: string }
    /** A line in /etc/passwd and one in /etc/group for these ids, where there is none. */
    | {
        readonly do: 'account';
        readonly name: string;
        readonly uid: number;
        readonly gid: number;
        readonly home: string;
      }
    | {
        readonly do: 'directory';
        readonly path: string;
        readonly mode?: string;
        readonly uid?: number;
        readonly gid?: number;
        /** Whole seconds since the epoch; default 0. */
        readonly mtime?: number;
      }
    /** A tar, possibly compressed with zstd, whose members go below `into`. */
    | { readonly do: 'unpack'; readonly archive: ContentRef; readonly into: string }
    | { readonly do: 'remove'; readonly path: string }
  );
