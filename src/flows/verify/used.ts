import type { Context } from '../../contract/index.ts';
import type { FileLock, Spec } from '../../model/index.ts';
import { readUsed } from '../files/used.ts';

/** The files of distributions that the runs used, as far as their lists are at hand. */
export async function usedFiles({ lock }: Spec, { store }: Context): Promise<readonly FileLock[]> {
  const lists = await Promise.all(Object.values(lock?.runs ?? {}).map(({ used }) => readUsed(used, store)));
  return lists.flatMap((list) => list ?? []);
}
