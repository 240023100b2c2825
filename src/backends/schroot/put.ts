import { lstatSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

import type { DirectoryEntry, Root, ScanOptions } from '../../contract/index.ts';
import { byBytes, isWithin, UserError, type Entry } from '../../model/index.ts';
import type { Facts } from './facts.ts';

/**
 * What a profile of /etc/schroot copies from this machine into the tree: databases of NSS, files, and the chroot's name.
 * Absolute paths in the tree.
 */
function putPaths(profile: string): readonly string[] {
  const lines = (name: string) => readLines(join('/etc/schroot', profile, name));
  const databases = lines('nssdatabases').map((database) => posix.join('/etc', database));
  const copies = lines('copyfiles').map((line) => posix.resolve('/', line.split(/\s+/).slice(0, 2).at(-1) ?? ''));
  return [...new Set(['/etc/debian_chroot', ...databases, ...copies])].sort(byBytes);
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch {
    return []; // a profile need not have all
  }
}

/**
 * Throws UserError where schroot would write through a link of the tree: it does that as root of this machine, and the
 * link may lead out. `trees`: what is laid over each other, the uppermost first.
 */
export function mustBeTrue({ profile, session }: Facts, trees: readonly string[]): void {
  if (profile === undefined) return; // nothing is written
  for (const path of putPaths(profile)) {
    for (let at = path; at !== '/'; at = posix.dirname(at)) {
      const stat = trees.map((tree) => lstatSync(join(tree, at), { throwIfNoEntry: false })).find(Boolean);
      if (stat?.isSymbolicLink() !== true || (at === path && path === '/etc/resolv.conf')) continue; // replaced, not followed
      throw new UserError(`${session} cannot begin: ${at} is a link in it, and schroot would write where that leads`, {
        hint: `leave out --set profile=${profile}: then schroot writes nothing`,
      });
    }
  }
}

/** What schroot has just put there: what differs from the rootfs. */
export async function putBySchroot(
  facts: Facts,
  live: Root,
  original: Root,
): Promise<readonly { readonly path: string; readonly sha256: string }[]> {
  const paths = putPaths(facts.profile ?? '');
  const [is, was] = [await live.digest(paths, 'sha256'), await original.digest(paths, 'sha256')];
  return paths.flatMap((path, index) => {
    const sha256 = is[index];
    return sha256 === undefined || sha256 === was[index] ? [] : [{ path, sha256 }];
  });
}

/**
 * A session's tree as it is without what schroot has put there: files that it copied are seen as the rootfs has them,
 * as long as nobody has changed them, and so is what lies behind its mounts.
 */
export function withoutPut(live: Root, original: Root, { put = [] }: Facts, mounts: readonly string[]): Root {
  const copied = new Map(put.map(({ path, sha256 }) => [path, sha256]));
  const isUntouched = async (path: string) =>
    copied.has(path) && (await live.digest([path], 'sha256'))[0] === copied.get(path);
  const rootOf = async (path: string): Promise<Root> => {
    if (mounts.some((mount) => isWithin(path, mount))) return original;
    return (await isUntouched(path)) ? original : live;
  };
  /** Links lead where they lead in the session; whose file that is, is asked then. */
  const resolved = async (path: string) => (await live.realpath([path]))[0] ?? path;
  const split = async <T>(
    paths: readonly string[],
    follow: boolean,
    ask: (root: Root, paths: readonly string[]) => Promise<readonly T[]>,
  ) => {
    const answers: T[] = [];
    const roots = await Promise.all(paths.map(async (path) => await rootOf(follow ? await resolved(path) : path)));
    for (const root of [live, original]) {
      const at = roots.flatMap((one, index) => (one === root ? [index] : []));
      if (at.length === 0) continue;
      const found = await ask(
        root,
        at.map((index) => paths[index] as string),
      );
      at.forEach((index, place) => (answers[index] = found[place] as T));
    }
    return answers;
  };
  return {
    label: live.label,
    readFile: async (path, limit) => await (await rootOf(await resolved(path))).readFile(path, limit),
    readlink: async (path) => await (await rootOf(path)).readlink(path),
    async readdir(path) {
      const folder = await resolved(path);
      const entries = await (await rootOf(folder)).readdir(path);
      const kept: DirectoryEntry[] = [];
      for (const entry of entries) {
        const child = posix.join(folder, entry.name);
        if ((await rootOf(child)) === live || (await original.lstat([child]))[0] !== undefined) kept.push(entry);
      }
      return kept;
    },
    lstat: async (paths) => await split(paths, false, async (root, some) => await root.lstat(some)),
    realpath: async (paths) => await split(paths, false, async (root, some) => await root.realpath(some)),
    digest: async (paths, algorithm) =>
      await split(paths, true, async (root, some) => await root.digest(some, algorithm)),
    async *scan(options: ScanOptions = {}) {
      const hidden = [...mounts];
      for (const path of copied.keys()) if (await isUntouched(path)) hidden.push(path);
      const { below = ['/'], except = [] } = options;
      const seen = below.filter((path) => !hidden.some((other) => isWithin(path, other)));
      const behind = below.flatMap((path) =>
        hidden.flatMap((other) => (isWithin(path, other) ? [path] : isWithin(other, path) ? [other] : [])),
      );
      const asked = behind.filter((path) => !except.some((left) => isWithin(path, left)));
      const shown = seen.length === 0 ? [] : live.scan({ ...options, below: seen, except: [...except, ...hidden] });
      if (asked.length === 0) yield* shown;
      else yield* merged(shown, original.scan({ ...options, below: asked }));
    },
    async [Symbol.asyncDispose]() {
      await live[Symbol.asyncDispose]();
    },
  };
}

/** Two scans as one, in byte order of paths. */
async function* merged(
  first: AsyncIterable<Entry> | readonly Entry[],
  second: AsyncIterable<Entry>,
): AsyncGenerator<Entry> {
  const [one, two] = [stream(first), stream(second)];
  let [left, right] = [await one.next(), await two.next()];
  while (left.done !== true || right.done !== true) {
    if (right.done === true || (left.done !== true && byBytes(left.value.path, right.value.path) < 0)) {
      if (left.done !== true) yield left.value;
      left = await one.next();
    } else {
      yield right.value;
      right = await two.next();
    }
  }
}

async function* stream(entries: AsyncIterable<Entry> | readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries;
}
