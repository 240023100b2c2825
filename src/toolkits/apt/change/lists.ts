import type { CreateContext } from '../../../contract/index.ts';
import { UserError, type ContentRef } from '../../../model/index.ts';
import { withDeb } from '../lay/deb.ts';
import { generateLists, listsTar } from '../lay/lists.ts';
import { foundAs } from '../lay/recognise.ts';
import type { AptLock } from '../spec.ts';

/** What apt shall know of where the packages of a changed system come from: a tar, from the packages' own fields. */
export async function changedLists(
  lock: AptLock,
  context: CreateContext,
): Promise<Readonly<Record<string, ContentRef>>> {
  if (!lock.packages.some(({ name }) => name === 'apt')) return {};
  const controls = await Promise.all(
    lock.packages.map(async (one) => {
      const what = `${one.name} ${one.version}`;
      const file = await context.store.find((await foundAs(one, context.store)).sha256);
      if (file === undefined) throw new UserError(`${what} is not in the store`);
      return await withDeb(file, what, async ({ control }) => {
        return control.find(({ name }) => name === 'control')?.content.toString('utf8') ?? '';
      });
    }),
  );
  const files = generateLists(lock, controls);
  if (files.length === 0) return {};
  return { lists: await context.store.add(Buffer.concat([...listsTar(files)])) };
}
