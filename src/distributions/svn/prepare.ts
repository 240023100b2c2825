import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { sha256, UserError, type ContentRef } from '../../model/index.ts';
import type { CreateContext, Obtained, Store } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { decompressFile } from '../../roots/decompress.ts';
import { readTarFiles } from '../../roots/tar-files.ts';
import { composeTree, keepTree, storedTree, type Supply } from '../../toolkits/trees/compose.ts';
import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import { runSvn } from './run.ts';
import type { SvnLock, SvnSpec } from './spec.ts';

type Prepared = Obtained & { readonly made: Readonly<Record<string, ContentRef>> };

/** The working copy from what was kept of it; one that was not traced is checked out. */
export async function prepare(spec: SvnSpec, lock: SvnLock, context: CreateContext): Promise<Prepared> {
  if (lock.tree === undefined) return await checkOut(spec, lock, context);
  const tree = await storedTree(lock.tree, context.store);
  if (tree === undefined) throw new UserError(`the list of files ${lock.tree.sha256} is not one`, { status: 2 });
  const supplies = lock.rest === undefined ? [] : [pristineTexts(tree, lock.rest, context.store)];
  const composed = await composeTree(tree, lock.rest, supplies, context.store);
  if ('archive' in composed) return { from: { stored: 1 }, refused: [], missing: [], made: { tree: composed.archive } };
  const missing = composed.missing.map((path) => ({ what: `${path} of ${spec.path}`, sha256: '', tried: [] }));
  return { from: {}, refused: [], missing, made: {} };
}

/** Files that are as the repository has them, from its texts in the `.svn` that was kept. */
function pristineTexts(tree: readonly TreeEntry[], rest: ContentRef, store: Store): Supply {
  const paths = Map.groupBy(
    tree.filter(({ type, path }) => type === 'file' && !path.startsWith('.svn/')),
    (entry) => entry.sha256 ?? '',
  );
  return {
    what: 'the texts in .svn/pristine',
    async *files() {
      const file = await store.find(rest.sha256);
      if (file === undefined) return;
      for await (const { path, content } of readTarFiles(decompressFile(file))) {
        if (!path.startsWith('.svn/pristine/')) continue;
        for (const entry of paths.get(sha256(content)) ?? []) yield { path: entry.path, content };
      }
    },
  };
}

async function checkOut(spec: SvnSpec, lock: SvnLock, context: CreateContext): Promise<Prepared> {
  const revision = (spec.revision ?? lock.revision)?.split(':').at(-1);
  if (revision === undefined)
    throw new UserError(`svn: no revision is named for ${spec.path}`, {
      status: 2,
      hint: 'type: repronim resolve FILE',
    });
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'svn-'));
  try {
    const copy = join(folder, 'copy');
    const args = [
      'checkout',
      '--quiet',
      '--ignore-externals',
      `--revision=${revision}`,
      '--',
      `${spec.url}@${revision}`,
      copy,
    ];
    await runSvn(args, spec.url, folder, context);
    const root = localRoot(copy);
    const paths: string[] = [];
    for await (const { path } of root.scan({ digests: [] })) paths.push(path);
    const kept = await keepTree(root, '/', paths, new Map(), context.store);
    const composed = await composeTree(
      asMade(await storedTree(kept.tree, context.store)),
      kept.rest,
      [],
      context.store,
    );
    if (!('archive' in composed)) throw new UserError(`svn: ${spec.url} could not be packed`);
    return { from: { remote: 1 }, refused: [], missing: [], made: { tree: composed.archive } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Not our umask's, nor ours. */
function asMade(tree: readonly TreeEntry[] = []): readonly TreeEntry[] {
  return tree.map((entry) => {
    const mode = entry.type === 'directory' || (entry.mode & 0o100) !== 0 ? 0o755 : 0o644;
    return { ...entry, mode: entry.type === 'link' ? 0o777 : mode, uid: 0, gid: 0, mtime: 0 };
  });
}
