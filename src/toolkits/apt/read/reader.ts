import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';

import { RootError, type Root } from '../../../contract/index.ts';
import { decodeName, encodeName } from '../../../roots/names.ts';

/** What became of one file: its bytes, or the errno's name (`ENOENT` where it is not there). */
export type Read = { readonly content: Buffer } | { readonly code: string };

const limit = 512 * 1024 * 1024;

/**
 * Many files of one folder of a root. Where the root is a folder of this machine they are read at once and without
 * leaving it: a name that is a link, a pipe or a device is left to the root's own careful way, or refused.
 */
export async function readFolder(root: Root, folder: string, names: readonly string[]): Promise<Read[]> {
  const disk = await folderOnDisk(root, folder);
  return Promise.all(
    names.map(async (name) => {
      const quick = disk === undefined ? undefined : readQuickly(`${disk}/${name}`);
      return quick ?? readCarefully(root, posix.join(folder, name));
    }),
  );
}

/** Reads files one by one, as `readFolder` does; where their folders lie is found out once, so make one for each batch. */
export function fileReader(root: Root): (path: string) => Promise<Read> {
  const folders = new Map<string, Promise<string | undefined>>();
  return async (path) => {
    const folder = posix.dirname(path);
    let disk = folders.get(folder);
    if (disk === undefined) folders.set(folder, (disk = folderOnDisk(root, folder)));
    const found = await disk;
    const quick = found === undefined ? undefined : readQuickly(`${found}/${posix.basename(path)}`);
    return quick ?? readCarefully(root, path);
  };
}

/** One file of a root. */
export async function readOne(root: Root, path: string): Promise<Read> {
  return await fileReader(root)(path);
}

/** One file of a root as text, or undefined where it can't be had. */
export async function readText(root: Root, path: string): Promise<string | undefined> {
  const read = await readOne(root, path);
  return 'content' in read ? toText(read.content) : undefined;
}

/** Names in a folder, sorted by bytes; none where it can't be read. */
export async function listFolder(root: Root, folder: string): Promise<string[]> {
  try {
    return (await root.readdir(folder)).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof RootError) return [];
    throw error;
  }
}

/** Bytes as text; what is not UTF-8 as `roots/names.ts` has it. */
export function toText(content: Buffer): string {
  return decodeName(content);
}

/** The folder of this machine that is a folder of the root, links in the root resolved; undefined where there is none. */
export async function folderOnDisk(root: Root, folder: string): Promise<string | undefined> {
  if (root.directory === undefined) return undefined;
  const [real] = await root.realpath([folder]);
  if (real === undefined) return undefined;
  return root.directory === '/' ? real : posix.join(root.directory, real);
}

/** Undefined where it is no plain file. */
function readQuickly(path: string): Read | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(encodeName(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    return code === 'ELOOP' ? undefined : { code };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { code: 'EINVAL' };
    if (stat.size > limit) return { code: 'EFBIG' };
    const content = Buffer.allocUnsafe(stat.size);
    let filled = 0;
    while (filled < content.length) {
      const count = readSync(descriptor, content, filled, content.length - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return { content: content.subarray(0, filled) };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  } finally {
    closeSync(descriptor);
  }
}

async function readCarefully(root: Root, path: string): Promise<Read> {
  try {
    return { content: await root.readFile(path, limit) };
  } catch (error) {
    if (error instanceof RootError) return { code: error.code };
    throw error;
  }
}
