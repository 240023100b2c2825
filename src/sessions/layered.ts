import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { Confinement, Session } from '../contract/index.ts';
import { enclose } from './confined.ts';

/** A session in a folder that is not written to: what is changed goes into a layer of its own in `work`, an empty folder. */
export async function layerOver(
  directory: string,
  work: string,
  confinement: Confinement,
  signal: AbortSignal,
): Promise<Session> {
  const overlay = { upper: join(work, 'upper'), work: join(work, 'overlay') };
  for (const folder of [overlay.upper, overlay.work]) mkdirSync(folder, { mode: 0o700, recursive: true });
  // what lies above becomes the root folder that is seen
  const { mode, uid, gid } = statSync(directory);
  if (process.geteuid?.() === 0) chownSync(overlay.upper, uid, gid);
  chmodSync(overlay.upper, mode & 0o7777);
  const session = await enclose({ root: directory, overlay, ...confinement }, signal);
  return {
    ...session,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      chmodSync(join(overlay.work, 'work'), 0o700); // the kernel's own, of mode 0: nobody but root could remove it
    },
  };
}
