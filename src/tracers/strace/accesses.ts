import type { Look } from './look.ts';

/** What was done with a path, as bits. */
export const did = {
  read: 1,
  written: 2,
  executed: 4,
  writtenFirst: 8,
  removed: 16,
  directory: 32,
  asked: 64,
  foreign: 128,
} as const;

/** One path of the run. */
export interface Touched {
  readonly path: string;
  flags: number;
  via: Set<string> | undefined;
  /** The last name by which it was opened, and all of them where there were several: each is resolved once. */
  lastAsked: string | undefined;
  asked: Set<string> | undefined;
}

/** How a file was opened, from its O_ flags. */
export interface Opening {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly creates: boolean;
  /** What was in it before can't matter: truncated, or certainly made by this call. */
  readonly fresh: boolean;
  readonly directory: boolean;
  /** O_PATH: a name is looked up, nothing is opened. */
  readonly looks: boolean;
  /** O_TMPFILE: it has no name. */
  readonly nameless: boolean;
}

/** Everything that the run touched, in the order of its doing. Foreign paths are kept apart from this machine's. */
export interface Accesses {
  find(path: string): Touched | undefined;
  touch(path: string, foreign: boolean): Touched;
  opened(file: Touched, how: Opening): void;
  /** Written whole by this call: linked, made, renamed to. */
  made(file: Touched, directory?: boolean): void;
  written(file: Touched, fresh: boolean): void;
  removed(file: Touched): void;
  /** Looked at, not opened; a folder that is looked at has to be there as one that is worked in. */
  asked(file: Touched): void;
  renamed(from: Touched, to: Touched): void;
  exchanged(a: Touched, b: Touched): void;
  all(): IterableIterator<Touched>;
}

const touchedContent = did.read | did.written | did.executed;

/** `look` tells what the run made from what was there. */
export function collectAccesses(look: Pick<Look, 'isDirectory' | 'isNew'>): Accesses {
  const host = new Map<string, Touched>();
  const foreign = new Map<string, Touched>();

  function touch(path: string, isForeign: boolean): Touched {
    const map = isForeign ? foreign : host;
    const known = map.get(path);
    if (known !== undefined) return known;
    const made: Touched = {
      path,
      flags: isForeign ? did.foreign : 0,
      via: undefined,
      lastAsked: undefined,
      asked: undefined,
    };
    map.set(path, made);
    return made;
  }

  function written(file: Touched, fresh: boolean): void {
    if ((file.flags & touchedContent) === 0 && fresh) file.flags |= did.writtenFirst;
    file.flags = (file.flags | did.written) & ~did.removed;
  }

  function made(file: Touched, directory = false): void {
    written(file, true);
    if (directory) file.flags |= did.directory;
  }

  function asked(file: Touched): void {
    if (file.flags === 0 && look.isDirectory(file.path)) file.flags |= did.directory;
    else file.flags |= did.asked;
  }

  /** What is moved or linked is input, where it isn't the run's own. */
  function moved(file: Touched): void {
    if ((file.flags & did.written) === 0) file.flags |= did.read;
  }

  function renameBelow(from: Touched, to: Touched): void {
    const map = (from.flags & did.foreign) === 0 ? host : foreign;
    const prefix = `${from.path}/`;
    const below = [...map.values()].filter((file) => file.path.startsWith(prefix) && (file.flags & did.removed) === 0);
    for (const file of below) {
      const target = touch(`${to.path}/${file.path.slice(prefix.length)}`, (to.flags & did.foreign) !== 0);
      made(target, (file.flags & did.directory) !== 0);
      file.flags |= did.removed;
    }
  }

  return {
    find: (path) => host.get(path),
    touch,
    written,
    made,
    asked,
    opened(file, how) {
      if (how.looks) {
        asked(file);
        return;
      }
      const before = file.flags;
      if (how.writes || how.creates) {
        const fresh =
          how.fresh || (how.creates && (before & (touchedContent | did.foreign)) === 0 && look.isNew(file.path));
        if (how.writes || fresh) written(file, fresh);
      }
      if (how.reads) file.flags |= did.read;
      if (how.directory) file.flags |= did.directory;
      file.flags &= ~did.removed;
      if (
        (before & (touchedContent | did.directory | did.foreign)) === 0 &&
        !how.writes &&
        !how.directory &&
        look.isDirectory(file.path)
      )
        file.flags |= did.directory;
    },
    removed(file) {
      file.flags |= did.removed;
    },
    renamed(from, to) {
      if (from === to) return;
      moved(from);
      const directory =
        (from.flags & did.directory) !== 0 || ((to.flags & did.foreign) === 0 && look.isDirectory(to.path));
      if (directory) from.flags |= did.directory;
      from.flags |= did.removed;
      made(to, directory);
      if (directory) renameBelow(from, to);
    },
    exchanged(a, b) {
      moved(a);
      moved(b);
      written(a, false);
      written(b, false);
    },
    *all() {
      yield* host.values();
      yield* foreign.values();
    },
  };
}
