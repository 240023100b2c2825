import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes JSON so that the file is, at every moment and after a power cut, the old or the new one, whole. With
 * `fresh` a file that is there is left alone, and false comes back.
 */
export async function writeRecord(
  file: string,
  value: unknown,
  mode: 'replace' | 'fresh' = 'replace',
): Promise<boolean> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = join(folder, `.new-${process.pid}-${randomUUID()}`);
  try {
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (mode === 'replace') await rename(beside, file);
    else if (!(await linkFresh(beside, file))) return false;
    await syncFolder(folder);
    return true;
  } finally {
    await rm(beside, { force: true });
  }
}

/** Takes a record away, for good. */
export async function removeRecord(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(dirname(file));
}

async function linkFresh(beside: string, file: string): Promise<boolean> {
  try {
    await link(beside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
