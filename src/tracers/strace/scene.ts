import { posix } from 'node:path';

import { collectAccesses, did, type Accesses, type Touched } from './accesses.ts';
import type { Look } from './look.ts';
import type { Process } from './processes.ts';
import { createResolver, type Resolver } from './resolve.ts';
import { onThisMachine } from './views.ts';

/** Where a name led that strace does not resolve for us. */
export interface Located {
  /** The path as the process sees it, in the words of this machine's root. */
  readonly shown: string;
  /** The file of this machine that it is; undefined in another mount namespace. */
  readonly host: string | undefined;
  readonly links: readonly string[];
  /** Something of the process itself (a descriptor in /proc/self): no file, and another one for us. */
  readonly nobody?: true;
}

/** Everything that is known about the run so far. */
export interface Scene {
  readonly look: Look;
  readonly accesses: Accesses;
  readonly directories: Set<string>;
  /** Files by the handle that the run asked for. */
  readonly handles: Map<string, Located>;
  /** Paths of sockets that the run itself listens at. */
  readonly ownSockets: Set<string>;
  readonly sockets: Set<string>;
  readonly programs: Map<string, { readonly file: string; readonly argv: readonly string[] }>;
  /** Programs by what they did that a trace can't follow. */
  readonly odd: Record<
    'traced' | 'usedUring' | 'failedWithoutUring' | 'setuid' | 'droppedPrograms' | 'byHandle',
    Set<string>
  >;
  /** How many processes came from nowhere. */
  strays: number;
  /** Bytes of arguments that `programs` holds. */
  argumentBytes: number;
  /** Where a name leads, from a folder (as strace prints it) or the working directory. */
  locate(process: Process, name: string, options: { readonly from?: string; readonly follow: boolean }): Located;
  /** The records of a place: that of this machine, that of another namespace, or both where one is bound to the other. */
  files(located: Located): readonly Touched[];
  /** Adds the names by which a file was reached. */
  reached(file: Touched, located: Located, asked: string): void;
  /** A working directory. */
  workedIn(process: Process, directory: string): void;
  /** Links or folders have changed: names may lead elsewhere. */
  namesChanged(): void;
  /** How often that happened. */
  readonly generation: number;
}

export function createScene(look: Look): Scene {
  const resolvers = new Map<string, Resolver>();
  const accesses = collectAccesses(look);
  const directories = new Set<string>();
  let generation = 0;

  function resolver(root: string): Resolver {
    const known = resolvers.get(root);
    if (known !== undefined) return known;
    const made = createResolver(look, root);
    resolvers.set(root, made);
    return made;
  }

  return {
    look,
    accesses,
    directories,
    handles: new Map(),
    ownSockets: new Set(),
    sockets: new Set(),
    programs: new Map(),
    odd: {
      traced: new Set(),
      usedUring: new Set(),
      failedWithoutUring: new Set(),
      setuid: new Set(),
      droppedPrograms: new Set(),
      byHandle: new Set(),
    },
    strays: 0,
    argumentBytes: 0,
    get generation() {
      return generation;
    },
    locate(process, name, { from, follow }) {
      const own = ownName(process, name);
      if (own !== undefined && perProcess.test(own)) return { shown: own, host: undefined, links: [], nobody: true };
      const absolute = name.startsWith('/');
      const root = absolute && own === undefined ? process.place.root : '';
      const path = own ?? (absolute ? name : `${from ?? process.place.cwd}/${name}`);
      if (process.view.own) {
        const shown = trimmed(posix.normalize(root + path));
        const host = onThisMachine(process.view, shown);
        if (host === undefined) return { shown, host, links: [] };
        if (host !== shown) {
          const found = resolver('').resolve(host, follow);
          return { shown, host: found.path, links: found.links };
        }
      }
      const found = resolver(root).resolve(path, follow);
      return { shown: found.path, host: found.path, links: found.links };
    },
    files(located) {
      const { shown, host } = located;
      if (located.nobody === true) return [];
      if (host === shown) return [accesses.touch(host, false)];
      const foreign = accesses.touch(shown, true);
      return host === undefined || /^\/proc\/[0-9]/.test(host) ? [foreign] : [foreign, accesses.touch(host, false)];
    },
    reached(file, located, asked) {
      for (const link of located.links) if (link !== file.path) (file.via ??= new Set()).add(link);
      if ((file.flags & did.foreign) !== 0 && located.host !== undefined) return;
      const name = trimmed(posix.normalize(asked));
      // `a/../b` through a link is not `b`; the links themselves say it all.
      if (name === file.path || (located.links.length > 0 && asked.includes('..'))) return;
      (file.via ??= new Set()).add(name);
    },
    workedIn(process, directory) {
      if (onThisMachine(process.view, directory) === directory) directories.add(directory);
    },
    namesChanged() {
      generation += 1;
      for (const one of resolvers.values()) one.forget();
    },
  };
}

const perProcess = /^\/(?:proc\/(?:self|thread-self|[0-9]+)|dev\/(?:fd|stdin|stdout|stderr))(?:\/|$)/;

/** What the links of /proc/self mean for that process; undefined for other names. */
function ownName(process: Process, name: string): string | undefined {
  const own = perProcess.exec(name);
  if (own === null) return undefined;
  const rest = /^\/proc\/(?:self|thread-self)\/(exe|cwd|root)(.*)$/.exec(name);
  if (rest === null || (rest[1] === 'exe' && process.program === '')) return name;
  const target = { exe: process.program, cwd: process.place.cwd, root: process.place.root }[rest[1] as 'exe'];
  return `${target}${rest[2]}` || '/';
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
