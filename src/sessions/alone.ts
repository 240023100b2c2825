import { join } from 'node:path';

import { lockFile } from '../inventory/lock.ts';
import { UserError } from '../model/index.ts';

/** Does something while no other process of ours does the same in that folder; waits for its turn. */
export async function alone<T>(
  folder: string,
  options: { readonly waitMs: number; readonly signal: AbortSignal },
  task: () => Promise<T>,
): Promise<T> {
  using lock = await lockFile(join(folder, 'turn'), options);
  if (lock === undefined) throw new UserError(`another repronim has been busy in ${folder} for too long`);
  return await task();
}
