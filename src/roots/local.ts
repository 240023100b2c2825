import { createHash } from 'node:crypto';
import {
  lstatSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  type Dirent,
  type Stats,
} from 'node:fs';
import { posix } from 'node:path';

import { byBytes, type Entry } from '../model/index.ts';
import { RootError, type Root, type ScanOptions, type Stat } from '../contract/index.ts';
import { decodeName, encodeName } from './names.ts';

const maximumLinks = 40;

/** A directory of this machine as a root; links are resolved in it and never lead out of it. */
export function localRoot(directory = '/', label = directory === '/' ? 'host' : `root:${directory}`): Root {
  const base = directory === '/' ? '' : posix.resolve(directory);
  const inRoot = (path: string) => (base === '' ? path : base + (path === '/' ? '' : path));
  const disk = (path: string) => encodeName(inRoot(path) || '/');
  const folders = new Map<string, string | undefined>();

  /** The path with links in its folders resolved; undefined where a folder is missing. */
  const canonical = (path: string): string | undefined => {
    const folder = posix.dirname(path);
    if (folder === path) return path;
    if (!folders.has(folder)) folders.set(folder, resolve(folder));
    const found = folders.get(folder);
    return found === undefined ? undefined : posix.join(found, posix.basename(path));
  };

  const resolve = (path: string): string | undefined => {
    if (base === '') {
      try {
        return decodeName(realpathSync.native(encodeName(path), 'buffer'));
      } catch {
        return undefined;
      }
    }
    let at = '/';
    let links = 0;
    const rest = path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .reverse();
    while (rest.length > 0) {
      const part = rest.pop() as string;
      if (part === '..') {
        at = posix.dirname(at);
        continue;
      }
      const next = posix.join(at, part);
      const stat = tryLstat(disk(next));
      if (stat === undefined) return undefined;
      if (!stat.isSymbolicLink()) {
        at = next;
        continue;
      }
      if (++links > maximumLinks) return undefined;
      const target = decodeName(readlinkSync(disk(next), 'buffer'));
      if (target.startsWith('/')) at = '/';
      rest.push(
        ...target
          .split('/')
          .filter((piece) => piece !== '' && piece !== '.')
          .reverse(),
      );
    }
    return at;
  };

  const must = (path: string, found: string | undefined): string => {
    if (found === undefined) throw new RootError('ENOENT', path, label);
    return found;
  };
  const guard = <T>(path: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof RootError) throw error;
      throw new RootError((error as NodeJS.ErrnoException).code ?? 'EIO', path, label);
    }
  };

  return {
    label,
    directory: base === '' ? '/' : base,
    async readFile(path, limit = 512 * 1024 * 1024) {
      return guard(path, () => {
        const file = disk(must(path, resolve(path)));
        const stat = statSync(file);
        if (stat.isDirectory()) throw new RootError('EISDIR', path, label);
        if (!stat.isFile()) throw new RootError('EINVAL', path, label);
        if (stat.size > limit) throw new RootError('EFBIG', path, label);
        return readFileSync(file);
      });
    },
    async readdir(path) {
      return guard(path, () =>
        readdirSync(disk(must(path, resolve(path))), { withFileTypes: true, encoding: 'buffer' }).map((found) => ({
          name: decodeName(found.name),
          type: typeOf(found as unknown as Dirent),
        })),
      );
    },
    async readlink(path) {
      return guard(path, () => decodeName(readlinkSync(disk(must(path, canonical(path))), 'buffer')));
    },
    async lstat(paths) {
      return paths.map((path) => {
        const found = canonical(path);
        const stat = found === undefined ? undefined : tryLstat(disk(found));
        return stat === undefined ? undefined : toStat(stat);
      });
    },
    async realpath(paths) {
      return paths.map((path) => resolve(path));
    },
    async digest(paths, algorithm) {
      return paths.map((path) => {
        const found = resolve(path);
        if (found === undefined) return undefined;
        try {
          return createHash(algorithm)
            .update(readFileSync(disk(found)))
            .digest('hex');
        } catch {
          return undefined;
        }
      });
    },
    async *scan(options: ScanOptions = {}) {
      const except = new Set(options.except ?? []);
      for (const start of options.below ?? ['/']) yield* walk(start, except, options);
    },
    async [Symbol.asyncDispose]() {},
  };

  async function* walk(path: string, except: ReadonlySet<string>, options: ScanOptions): AsyncIterable<Entry> {
    if (except.has(path)) return;
    options.signal?.throwIfAborted();
    const stat = tryLstat(disk(path));
    if (stat === undefined) return;
    yield toEntry(path, stat, options.digests ?? ['sha256']);
    if (!stat.isDirectory()) return;
    let names: string[] = [];
    try {
      names = readdirSync(disk(path), 'buffer').map(decodeName).sort(byBytes);
    } catch {
      return;
    }
    for (const name of names) yield* walk(posix.join(path, name), except, options);
  }

  function toEntry(path: string, stat: Stats, digests: readonly ('sha256' | 'md5')[]): Entry {
    const { type, mode, uid, gid, size } = toStat(stat);
    const entry = { path, type, mode, uid, gid };
    if (type === 'link') return { ...entry, target: decodeName(readlinkSync(disk(path), 'buffer')) };
    if (type !== 'file') return entry;
    const content = digests.length > 0 ? readFileSync(disk(path)) : Buffer.alloc(0);
    const made = digests.map((name) => [name, createHash(name).update(content).digest('hex')]);
    return { ...entry, size, ...Object.fromEntries(made) };
  }
}

function tryLstat(path: string | Buffer): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function toStat(stat: Stats): Stat {
  return {
    type: typeOf(stat),
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    mtimeMs: stat.mtimeMs,
    inode: `${stat.dev}:${stat.ino}`,
  };
}

function typeOf(of: Stats | Dirent): Entry['type'] {
  if (of.isFile()) return 'file';
  if (of.isDirectory()) return 'directory';
  if (of.isSymbolicLink()) return 'link';
  if (of.isCharacterDevice()) return 'character';
  if (of.isBlockDevice()) return 'block';
  return of.isFIFO() ? 'fifo' : 'socket';
}
