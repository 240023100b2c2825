import { closeSync, openSync, readSync } from 'node:fs';

import type { Root } from '../../contract/index.ts';
import { parseSif, type Sif } from '../../formats/image/sif.ts';
import { encodeName, nameBytes } from '../../roots/names.ts';

/** What a file of a root is as a SIF; undefined where it is none, or can't be read. */
export async function readSif(path: string, root: Root): Promise<Sif | undefined> {
  const { directory } = root;
  if (directory === undefined) {
    const bytes = await root.readFile(path).catch(() => undefined);
    return bytes === undefined ? undefined : parseSif((offset, length) => bytes.subarray(offset, offset + length));
  }
  const [real] = await root.realpath([path]);
  if (real === undefined) return undefined;
  const at = directory === '/' ? real : `${directory}${real}`;
  const name = encodeName(at);
  let fd: number | undefined;
  try {
    const opened = openSync(typeof name === 'string' ? name : nameBytes(at), 'r');
    fd = opened;
    return parseSif((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(opened, bytes, 0, length, offset));
    });
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
