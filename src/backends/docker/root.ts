import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import { RootError, type Root, type Stat } from '../../contract/index.ts';
import type { Instead } from '../../roots/tar-index.ts';
import { tarRoot, type TarRoot } from '../../roots/tar.ts';
import type { Files } from './archive.ts';
import type { Engine } from './client.ts';

export interface ContainerRoot extends Root {
  /** Says that something may have changed: what was read before counts no more. */
  changed(): void;
}

/** So few questions are asked one by one; for more, all is read at once. */
const few = 8;
const keptSize = 4 * 1024 * 1024;

/**
 * A container as a root, from what the engine itself gives: nothing is needed inside, and it may be stopped. Single
 * files are fetched as they are asked for; a scan, a folder or many files read the whole (`GET …/export`) once, until
 * something `changed`. `instead` is what is to be seen at the engine's own paths.
 */
export function containerRoot(
  engine: Engine,
  container: string,
  label: string,
  files: Files,
  instead: () => Promise<Instead>,
): ContainerRoot {
  let index: Promise<TarRoot> | undefined;
  const read = async (): Promise<TarRoot> => {
    index ??= (async () => {
      const hidden = await instead();
      const stream = await engine.stream('GET', `/containers/${container}/export`);
      return await tarRoot(stream, label, {
        instead: hidden,
        keep: (path, size) => size <= keptSize || path.startsWith('/var/lib/') || path.startsWith('/etc/'),
        fetch: async (path) => (await files.read(path, Number.MAX_SAFE_INTEGER)) ?? lost(path),
      });
    })();
    index.catch(() => {
      index = undefined;
    });
    return await index;
  };
  const lost = (path: string): never => {
    throw new RootError('ENOENT', path, label);
  };
  const drop = () => {
    index?.then((root) => root[Symbol.asyncDispose]()).catch(() => {}); // it was never opened then
    index = undefined;
  };
  /** The path in its own folder, and what is there; undefined where it is the engine's, or must be asked of the whole. */
  const alone = async (path: string, count: number) => {
    if (index !== undefined || count > few) return undefined;
    const folder = await files.resolve(posix.dirname(path));
    const real = path === '/' ? '/' : posix.join(folder.path, posix.basename(path));
    if ((await instead()).has(real)) return undefined;
    return { path: real, member: folder.type === 'directory' ? await files.head(real) : undefined };
  };

  return {
    label,
    changed: drop,
    async readFile(path, limit = 512 * 1024 * 1024) {
      if (index !== undefined) return await (await read()).readFile(path, limit);
      const { path: real, type } = await files.resolve(path);
      if (type === undefined) return lost(path);
      if (type === 'directory') throw new RootError('EISDIR', path, label);
      if (type !== 'file') throw new RootError('EINVAL', path, label);
      if ((await instead()).has(real)) return await (await read()).readFile(real, limit);
      try {
        return (await files.read(real, limit)) ?? lost(path);
      } catch (error) {
        if (error instanceof RangeError) throw new RootError('EFBIG', path, label);
        throw error;
      }
    },
    readdir: async (path) => await (await read()).readdir(path),
    async readlink(path) {
      const found = await alone(path, 1);
      if (found === undefined) return await (await read()).readlink(path);
      if (found.member === undefined) return lost(path);
      if (found.member.type !== 'link') throw new RootError('EINVAL', path, label);
      return found.member.target ?? '';
    },
    async lstat(paths) {
      if (index !== undefined || paths.length > few) return await (await read()).lstat(paths);
      const found: (Stat | undefined)[] = [];
      for (const path of paths) {
        const one = await alone(path, paths.length);
        if (one === undefined) {
          found.push(...(await (await read()).lstat([path])));
        } else if (one.member === undefined || one.member.type === 'hardlink') {
          found.push(undefined);
        } else {
          const { type, mode, uid, gid, mtimeMs, target = '' } = one.member;
          const size = type === 'link' ? Buffer.byteLength(target) : one.member.size;
          found.push({ type, mode, uid, gid, size, mtimeMs });
        }
      }
      return found;
    },
    async realpath(paths) {
      if (index !== undefined || paths.length > few) return await (await read()).realpath(paths);
      const hidden = await instead();
      const found: (string | undefined)[] = [];
      for (const path of paths) {
        const led = await files.resolve(path);
        if (hidden.has(led.path)) found.push(...(await (await read()).realpath([path])));
        else found.push(led.type === undefined ? undefined : led.path);
      }
      return found;
    },
    async digest(paths, algorithm) {
      if (index !== undefined || paths.length > few) return await (await read()).digest(paths, algorithm);
      const found: (string | undefined)[] = [];
      for (const path of paths) {
        try {
          found.push(
            createHash(algorithm)
              .update(await this.readFile(path))
              .digest('hex'),
          );
        } catch (error) {
          if (!(error instanceof RootError)) throw error;
          found.push(undefined);
        }
      }
      return found;
    },
    async *scan(options) {
      yield* (await read()).scan(options);
    },
    async [Symbol.asyncDispose]() {
      const last = index;
      index = undefined;
      await (await last?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}
