import { realpathSync } from 'node:fs';
import { posix } from 'node:path';

import { RootError, type Root } from '../contract/index.ts';
import { byBytes } from '../model/index.ts';
import { breathing, readUpTo, hashFile, isDescriptorPath, tryHash } from './local/content.ts';
import { codeOf, lstatOf, readFolder, readTarget, typeOf } from './local/disk.ts';
import { linkResolver } from './local/resolve.ts';
import { scanFolder } from './local/scan.ts';
import { encodeName } from './names.ts';

/**
 * A directory of this machine as a root; links are resolved in it and never lead out of it. What is swapped for a
 * link while we look is refused (RootError ELOOP), as far as /proc is there to tell.
 */
export function localRoot(directory = '/', label = directory === '/' ? 'host' : `root:${directory}`): Root {
  const base = baseOf(directory);
  const top = isDescriptorPath(base) ? '/.' : ''; // by itself, a descriptor's path is a link
  const disk = (path: string) => encodeName(base === '' ? path : base + (path === '/' ? top : path));

  /** Calls with a path as it is after resolution; errors become RootErrors with the path that was asked for. */
  const at = <T>(path: string, last: 'follow' | 'keep', read: (file: string | Buffer) => T): T => {
    const found = linkResolver(disk)(path, last);
    if (typeof found !== 'string') throw new RootError(found.code, path, label);
    try {
      return read(disk(found));
    } catch (error) {
      throw new RootError(codeOf(error), path, label);
    }
  };

  return {
    label,
    directory: base === '' ? '/' : base,
    async readFile(path, limit = 512 * 1024 * 1024) {
      return at(path, 'follow', (file) => readUpTo(file, limit, base));
    },
    async readdir(path) {
      return at(path, 'follow', (folder) =>
        readFolder(folder)
          .map(({ name, type }) => ({ name, type: type ?? typeOf(lstatOf(childOf(folder, name))) ?? 'file' }))
          .sort((a, b) => byBytes(a.name, b.name)),
      );
    },
    async readlink(path) {
      return at(path, 'keep', readTarget);
    },
    async lstat(paths) {
      const resolve = linkResolver(disk);
      return paths.map((path) => {
        const found = resolve(path, 'keep');
        const stat = typeof found === 'string' ? lstatOf(disk(found)) : undefined;
        return stat?.stat;
      });
    },
    async realpath(paths) {
      const resolve = linkResolver(disk);
      return paths.map((path) => {
        const found = resolve(path, 'follow');
        return typeof found === 'string' ? found : undefined;
      });
    },
    async digest(paths, algorithm) {
      const resolve = linkResolver(disk);
      const breathe = breathing();
      const digests: (string | undefined)[] = [];
      for (const path of paths) {
        const found = resolve(path, 'follow');
        digests.push(
          typeof found === 'string' ? (await tryHash(() => hashFile(disk(found), [algorithm], base)))?.[0] : undefined,
        );
        await breathe();
      }
      return digests;
    },
    scan: (options = {}) => scanFolder(base, disk, options),
    async [Symbol.asyncDispose]() {},
  };
}

/**
 * The directory without links in it, so that an opened file can be told to lie in it; `''` for `/`. A descriptor of a
 * process stays as it is: it stands for a tree that may be mounted nowhere, and what it "links to" is another path.
 */
function baseOf(directory: string): string {
  const absolute = posix.resolve(directory);
  if (isDescriptorPath(absolute)) return absolute;
  try {
    const real = realpathSync(absolute);
    return real === '/' ? '' : real;
  } catch {
    return absolute === '/' ? '' : absolute; // not there yet, or not ours to see: every call will say so
  }
}

function childOf(folder: string | Buffer, name: string): string | Buffer {
  const child = encodeName(name);
  if (typeof folder === 'string' && typeof child === 'string') return `${folder}/${child}`;
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), Buffer.from(child)]);
}
