import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import { RootError, type Root, type Stat } from '../../contract/index.ts';
import type { Entry } from '../../model/index.ts';
import type { Instead } from '../../roots/tar-index.ts';
import { tarRoot, type TarRoot } from '../../roots/tar.ts';
import type { Files } from './archive.ts';
import { EngineError, type Engine } from './client.ts';

export interface ContainerRoot extends Root {
  /** Says that something may have changed: what was read before counts no more. */
  changed(): void;
}

/** What both an archive's member and an entry of the image say. */
type Found = Omit<Entry, 'path'> & { readonly mtimeMs?: number };

/** So few questions are asked one by one; for more, all is read at once. */
const few = 8;
/** What is read again and again is kept whatever its size: package databases, settings, work trees' own files. */
const keptSize = 64 * 1024;
const keptPaths = /^\/(?:etc|var\/lib)\/|\/\.git\//;

/**
 * A container as a root, from what the engine itself gives: nothing is needed inside, and it may be stopped. Single
 * files are fetched as they are asked for; a scan, a folder or many files read the whole (`GET …/export`) once, until
 * something `changed`, and who reads many large files has it read once more, with all content. `instead` is what is to be seen at the engine's own paths.
 */
export function containerRoot(
  engine: Engine,
  container: string,
  label: string,
  files: Files,
  instead: () => Promise<Instead>,
): ContainerRoot {
  let index: Promise<TarRoot> | undefined;
  /** The same, with the content of everything: for who reads much of it. */
  let contents: Promise<TarRoot> | undefined;
  let fetched = 0;
  let hasMd5 = false;
  const read = async (md5 = false): Promise<TarRoot> => {
    if (md5 && !hasMd5) drop();
    index ??= (async () => {
      hasMd5 = md5;
      const hidden = await instead();
      const stream = await engine.stream('GET', `/containers/${container}/export`);
      return await tarRoot(stream, label, {
        instead: hidden,
        keep: (path, size) => size <= keptSize || keptPaths.test(path),
        md5,
        fetch: async (path) => {
          fetched += 1;
          if (fetched > few) return await (await readContents(hidden)).readFile(path, Number.MAX_SAFE_INTEGER);
          return (await files.read(path, Number.MAX_SAFE_INTEGER)) ?? lost(path);
        },
      });
    })();
    index.catch(() => {
      index = undefined;
    });
    return await index;
  };
  const readContents = async (hidden: Instead): Promise<TarRoot> => {
    contents ??= (async () => {
      const stream = await engine.stream('GET', `/containers/${container}/export`);
      return await tarRoot(stream, label, { instead: hidden, md5: false });
    })();
    contents.catch(() => {
      contents = undefined;
    });
    return await contents;
  };
  const lost = (path: string): never => {
    throw new RootError('ENOENT', path, label);
  };
  const drop = () => {
    // what was never opened need not be closed
    for (const one of [index, contents]) one?.then((root) => root[Symbol.asyncDispose]()).catch(() => {});
    [index, contents, fetched] = [undefined, undefined, 0];
  };
  /** The path in its own folder, and what is there: the engine's own paths as the image has them. */
  const look = async (path: string) => {
    const folder = await files.resolve(posix.dirname(path));
    const real = path === '/' ? '/' : posix.join(folder.path, posix.basename(path));
    const hidden = await instead();
    if (hidden.has(real)) return { path: real, found: hidden.get(real) as Found | undefined };
    const member = folder.type === 'directory' ? await files.head(real) : undefined;
    return { path: real, found: member?.type === 'hardlink' ? undefined : (member as Found | undefined) };
  };

  /** Asks one by one where that is quick; else the whole answers, and also where the daemon can't tell. */
  const quickly = async <T>(count: number, ask: () => Promise<T>, whole: (root: TarRoot) => Promise<T>): Promise<T> => {
    if (index !== undefined || count > few) return await whole(await read());
    try {
      return await ask();
    } catch (error) {
      if (error instanceof EngineError && error.code === 500) return await whole(await read());
      throw error;
    }
  };
  const readOne = async (path: string, limit: number): Promise<Buffer> => {
    const { path: real, type } = await files.resolve(path);
    const hidden = await instead();
    const own = hidden.get(real);
    if (type === undefined || (own === undefined && hidden.has(real)))
      return await (await read()).readFile(path, limit);
    if (type === 'directory') throw new RootError('EISDIR', path, label);
    if (type !== 'file') throw new RootError('EINVAL', path, label);
    if ((own?.size ?? 0) > limit) throw new RootError('EFBIG', path, label);
    if (own !== undefined) return own.content ?? (await (await read()).readFile(path, limit));
    try {
      return (await files.read(real, limit)) ?? lost(path);
    } catch (error) {
      if (error instanceof RangeError) throw new RootError('EFBIG', path, label);
      throw error;
    }
  };
  const statOne = async (path: string): Promise<Stat | undefined> => {
    const { found } = await look(path);
    if (found === undefined) return undefined;
    const { type, mode, uid, gid, target = '' } = found;
    const size = type === 'link' ? Buffer.byteLength(target) : (found.size ?? 0);
    return { type, mode, uid, gid, mtimeMs: found.mtimeMs ?? 0, size };
  };
  const leadOne = async (path: string): Promise<string | undefined> => {
    const led = await files.resolve(path);
    const hidden = await instead();
    const isThere = hidden.has(led.path) ? hidden.get(led.path) !== undefined : led.type !== undefined;
    return isThere ? led.path : undefined;
  };
  const linkOne = async (path: string): Promise<string> => {
    const { found } = await look(path);
    if (found === undefined) return await (await read()).readlink(path);
    if (found.type !== 'link') throw new RootError('EINVAL', path, label);
    return found.target ?? '';
  };
  const hashOne = async (path: string, algorithm: 'sha256' | 'md5'): Promise<string | undefined> => {
    try {
      const content = await readOne(path, Number.MAX_SAFE_INTEGER);
      return createHash(algorithm).update(content).digest('hex');
    } catch (error) {
      if (error instanceof RootError) return undefined;
      throw error;
    }
  };

  return {
    label,
    changed: drop,
    async readFile(path, limit = 512 * 1024 * 1024) {
      return await quickly(
        1,
        async () => await readOne(path, limit),
        (root) => root.readFile(path, limit),
      );
    },
    readdir: async (path) => await (await read()).readdir(path),
    async readlink(path) {
      return await quickly(
        1,
        async () => await linkOne(path),
        (root) => root.readlink(path),
      );
    },
    async lstat(paths) {
      if (!engine.kind.givesOwners) return await (await read()).lstat(paths);
      return await quickly(
        paths.length,
        async () => await inTurn(paths, statOne),
        (root) => root.lstat(paths),
      );
    },
    async realpath(paths) {
      return await quickly(
        paths.length,
        async () => await inTurn(paths, leadOne),
        (root) => root.realpath(paths),
      );
    },
    async digest(paths, algorithm) {
      const hashEach = async () => await inTurn(paths, async (path) => await hashOne(path, algorithm));
      return await quickly(paths.length, hashEach, (root) => root.digest(paths, algorithm));
    },
    async *scan(options) {
      yield* (await read(options?.digests?.includes('md5') === true)).scan(options);
    },
    async [Symbol.asyncDispose]() {
      const last = [index, contents];
      [index, contents] = [undefined, undefined];
      for (const one of last) await (await one?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** One after the other: a daemon that is asked much at once is no quicker. */
async function inTurn<T>(paths: readonly string[], ask: (path: string) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  for (const path of paths) answers.push(await ask(path));
  return answers;
}
