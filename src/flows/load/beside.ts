import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isWithin, UserError } from '../../model/index.ts';

/**
 * The real path of what a spec names beside itself; undefined where it is not there. Throws UserError 2 for what leads
 * out of the spec's folder, by a link say.
 */
export async function findBeside(name: string, file: string): Promise<string | undefined> {
  const folder = await realpath(dirname(file));
  const real = await realpath(join(folder, name)).catch(() => undefined);
  if (real === undefined || isWithin(real, folder)) return real;
  throw new UserError(`${name} leads out of the folder of ${file}`, { status: 2 });
}
