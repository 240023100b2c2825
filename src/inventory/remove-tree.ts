import { readFile, realpath, rm } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';

import { isWithin, UserError } from '../model/index.ts';

/** Removes a folder and all below it, unless something is mounted there: what is behind a mount is not ours. */
export async function removeTree(directory: string): Promise<void> {
  const parent = await realpath(dirname(directory)).catch(() => undefined);
  if (parent === undefined) return; // nothing is there
  const folder = join(parent, basename(directory));
  const mounted = (await mountPoints()).find((point) => isWithin(point, folder));
  if (mounted !== undefined) {
    throw new UserError(`cannot remove ${directory}: something is mounted at ${mounted}`, {
      hint: `umount ${mounted}`,
    });
  }
  await rm(folder, { recursive: true, force: true });
}

/** Mount points that we see (proc(5), mountinfo), space, tab, newline and backslash unescaped. */
async function mountPoints(): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point !== '')
    .map((point) =>
      point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}
