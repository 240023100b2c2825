import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { CreateContext } from '../contract/index.ts';
import { fetchAll } from '../archives/fetch.ts';
import { contextOf, type House } from './house.ts';

/** What makes things out of content: it may fetch, and has a folder to work in. */
export function createContextOf(house: House, work: string, trusted: boolean): CreateContext {
  const context = contextOf(house);
  return {
    ...context,
    work,
    trusted,
    fetch: async (wanted) => await fetchAll(wanted, { ...context, work: join(work, 'fetch') }),
  };
}

/** Does something with a folder of its own, on the disk of the store, that is gone afterwards. */
export async function withWork<T>(house: House, use: (work: string) => Promise<T>): Promise<T> {
  const folder = join(house.places.data, 'work');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(folder, `${process.pid}-`));
  try {
    return await use(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
