import { appendFile, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';

import { UserError, type ContentRef } from '../../../model/index.ts';
import type { Context, Root } from '../../../contract/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { encodeName } from '../../../roots/names.ts';
import { keyOfPath, objectPath } from '../annex/key.ts';
import { formatSection } from '../config.ts';
import type { GitPlace } from '../git.ts';
import { knownFilters } from './filters.ts';
import type { Wish } from './wish.ts';

/** Puts what git has pointers for into a work tree that was checked out, and annexed content into its git dir. */
export async function placeContents(wish: Wish, place: GitPlace, context: Context): Promise<void> {
  const { large = [], filters = [] } = wish.content;
  const top = place.workTree ?? '';
  const root = localRoot(top);
  for (const { path, ...content } of large) await replace(root, path, content, context);
  // only now: a filter is a program, and no file passes through git any more
  for (const name of filters)
    await appendFile(posix.join(place.gitDir, 'config'), formatSection('filter', name, knownFilters[name]));
  if (filters.includes('annex')) {
    await mkdir(posix.join(place.gitDir, 'info'), { recursive: true });
    await writeFile(posix.join(place.gitDir, 'info/attributes'), '\n* filter=annex\n');
  }
  for (const { key, paths, unlocked = [], ...content } of wish.annex?.keys ?? []) {
    const target = posix.join(place.gitDir, await objectAt(root, paths, key));
    await mkdir(posix.dirname(target), { recursive: true });
    await copyFile(await stored(content, context), target);
    for (const path of unlocked) await replace(root, path, content, context);
  }
}

/** Where a link of the work tree leads, as long as that is a place for this key. */
async function objectAt(root: Root, paths: readonly string[], key: string): Promise<string> {
  for (const path of paths) {
    const target = await root.readlink(`/${path}`).catch(() => '');
    const below = /(?:^|\/)\.git\/(annex\/objects\/[\w.-]+\/[\w.-]+\/[^/]+\/[^/]+)$/su.exec(target)?.[1];
    if (below !== undefined && keyOfPath(below)?.key === key && !below.split('/').includes('..')) return below;
  }
  return objectPath(key);
}

/** Only a file that is tracked and lies in the work tree itself; nothing is followed out of it. */
async function replace(root: Root, path: string, content: ContentRef, context: Context): Promise<void> {
  const [stat] = await root.lstat([`/${path}`]);
  const [folder] = await root.realpath([posix.dirname(`/${path}`)]);
  if (stat?.type !== 'file' || folder !== posix.dirname(`/${path}`))
    throw new UserError(`git: ${path} is no file of the commit; refused`);
  const target = encodeName(posix.join(root.directory ?? '', path));
  await rm(target);
  await copyFile(await stored(content, context), target);
}

async function stored({ sha256 }: ContentRef, { store }: Context): Promise<string> {
  const file = await store.find(sha256);
  if (file === undefined) throw new UserError(`content ${sha256} is not in the store`);
  return file;
}
