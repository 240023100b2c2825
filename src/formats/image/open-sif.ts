import { closeSync, createReadStream, createWriteStream, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { UserError } from '../../model/index.ts';
import { parseSif, type Sif } from './sif.ts';
import { squashfsToTar } from './squashfs.ts';

/** What a file of this machine is as a SIF. Throws UserError 2 where it is none. */
export function openSif(file: string): Sif {
  const descriptor = openSync(file, 'r');
  try {
    const sif = parseSif((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
    });
    if (sif !== undefined) return sif;
  } finally {
    closeSync(descriptor);
  }
  throw new UserError(`${file} is no SIF`, { status: 2 });
}

/** Writes the tree of a SIF as a tar; nothing of it is run or mounted. */
export async function sifToTar(file: string, tar: string, signal: AbortSignal): Promise<void> {
  const { system } = openSif(file);
  if (system === undefined) throw new UserError(`${file} has no file system in it`, { status: 2 });
  if (system.kind !== 'squashfs') {
    throw new UserError(`the file system in ${file} is encrypted, or none that can be read without mounting it`, {
      status: 4,
      hint: `apptainer build --sandbox DIR ${file}, and then root:DIR`,
    });
  }
  const squashfs = `${tar}.squashfs`;
  try {
    const from = createReadStream(file, { start: system.offset, end: system.offset + system.size - 1 });
    await pipeline(from, createWriteStream(squashfs, { flags: 'wx', mode: 0o600 }), { signal });
    await squashfsToTar(squashfs, tar, signal);
  } finally {
    await rm(squashfs, { force: true });
  }
}
