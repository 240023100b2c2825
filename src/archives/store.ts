import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { ContentRef } from '../model/index.ts';
import type { Store } from '../contract/index.ts';

/**
 * The content-addressed store below `directory`: `sha256/ab/<rest>`, each file complete from the moment on at which
 * it is there (written beside, then renamed). What an interrupted process left lies in `new/` and is `prune`'s.
 */
export function openStore(directory: string): Store {
  const fileOf = (digest: string) => join(directory, 'sha256', digest.slice(0, 2), digest.slice(2));
  const fresh = async () => {
    const folder = join(directory, 'new');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return join(folder, `${process.pid}-${randomUUID()}`);
  };
  const settle = async (file: string, digest: string, size: number): Promise<ContentRef> => {
    const final = fileOf(digest);
    await mkdir(join(final, '..'), { recursive: true, mode: 0o700 });
    await rename(file, final);
    return { sha256: digest, size };
  };

  return {
    async find(digest) {
      if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
      const file = fileOf(digest);
      return (await stat(file).catch(() => undefined))?.isFile() === true ? file : undefined;
    },
    async add(content) {
      const file = await fresh();
      const hash = createHash('sha256');
      let size = 0;
      try {
        const handle = await open(file, 'wx', 0o600);
        try {
          for await (const chunk of content instanceof Uint8Array ? [content] : content) {
            hash.update(chunk);
            size += chunk.length;
            await handle.writeFile(chunk);
          }
        } finally {
          await handle.close();
        }
        return await settle(file, hash.digest('hex'), size);
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    async addFile(source) {
      const file = await fresh();
      try {
        // the copy is hashed, not the source: that may change meanwhile
        await copyFile(source, file, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        const { digest, size } = await digestFile(file);
        return await settle(file, digest, size);
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    async remove(digest) {
      if (/^[0-9a-f]{64}$/.test(digest)) await rm(fileOf(digest), { force: true });
    },
    cache(name) {
      return join(directory, 'cache', name);
    },
  };
}

/** The sha256 of a file of this machine, read as a stream, and its size in bytes. */
export async function digestFile(file: string): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { digest: hash.digest('hex'), size };
}
