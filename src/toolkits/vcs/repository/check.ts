import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import { byBytes, type Difference } from '../../../model/index.ts';
import type { Checked, Context, Root } from '../../../contract/index.ts';
import { checkTree } from '../../trees/check.ts';
import { parseTree, type TreeEntry } from '../../trees/entries.ts';
import { keyOfPath } from '../annex/key.ts';
import { checkObjects } from '../check-objects.ts';
import { parsePointer } from '../pointer.ts';
import { readObjects } from '../read-objects.ts';
import { readWorkTree, type WorkTree } from '../worktree.ts';
import { isContentOf } from './pointers.ts';
import type { GitLock, GitSpec } from './spec.ts';
import { readStored } from './stored.ts';

/**
 * Every tracked file against the list that was kept; every object of the repositories against its id, and every
 * annexed content against its key.
 */
export async function check(spec: GitSpec, lock: GitLock, root: Root, context: Context): Promise<Checked> {
  const listed = lock.tree === undefined ? undefined : parseTree(await readStored(lock.tree, context));
  const owner = `${spec.type} ${spec.path}`;
  const files = listed === undefined ? undefined : await checkTree(root, spec.path, listed, owner);
  let checked = files?.checked ?? 0;
  const differing: Difference[] = [];
  const tops = [spec.path, ...(spec.submodules ?? []).map(({ path }) => posix.join(spec.path, path))];
  const trees: WorkTree[] = [];
  for (const top of tops) {
    const tree = await readWorkTree(root, top);
    if (!('because' in tree)) trees.push(tree);
    else if (lock.archive === undefined) differing.push({ path: posix.join(top, '.git'), kind: 'missing', owner });
  }
  for (const one of files?.differing ?? []) if (!(await isFilled(root, trees, one))) differing.push(one);
  for (const tree of trees) {
    const objects = await checkObjects(root, tree.commonDir, tree.algorithm, owner);
    const contents = await checkContents(root, tree, listed ?? [], owner);
    checked += objects.checked + contents.checked;
    differing.push(...objects.differing, ...contents.differing);
  }
  return { checked, differing: differing.sort((a, b) => byBytes(a.path, b.path)), explained: [] };
}

/** A pointer was recorded, and the content that it stands for has been got since. */
async function isFilled(root: Root, trees: readonly WorkTree[], { path, kind }: Difference): Promise<boolean> {
  if (kind !== 'changed') return false;
  const tree = trees.filter(({ top }) => path.startsWith(`${top}/`)).sort((a, b) => b.top.length - a.top.length)[0];
  const entry = tree?.index.find((one) => posix.join(tree.top, one.path) === path);
  if (tree === undefined || entry === undefined) return false;
  using objects = await readObjects(root, tree.commonDir, tree.algorithm);
  const blob = (await objects.read(entry.id))?.data;
  const pointer = blob === undefined ? undefined : parsePointer(blob);
  return pointer?.by === 'annex' && (await isContentOf(root, path, pointer));
}

/** Annexed contents that the list does not have, as `git annex fsck` asks: size and digest are those of their keys. */
async function checkContents(
  root: Root,
  { top, gitDir }: WorkTree,
  listed: readonly TreeEntry[],
  owner: string,
): Promise<Pick<Checked, 'checked' | 'differing'>> {
  const known = new Set(listed.map(({ path }) => posix.join(top, path)));
  const differing: Difference[] = [];
  let checked = 0;
  const below = posix.join(gitDir, 'annex/objects');
  const [stat] = await root.lstat([below]);
  if (stat?.type !== 'directory') return { checked, differing };
  for await (const { path, type, size, sha256, md5 } of root.scan({ below: [below], digests: ['sha256', 'md5'] })) {
    const key = type === 'file' ? keyOfPath(path) : undefined;
    if (key === undefined || known.has(path)) continue;
    checked += 1;
    const { digest } = key;
    const is = digest === undefined ? undefined : await digestOf(root, path, digest.algorithm, { sha256, md5 });
    if ((key.size !== undefined && size !== key.size) || (digest !== undefined && is !== digest.hex))
      differing.push({ path, kind: 'changed', was: key.key, owner });
  }
  return { checked, differing };
}

async function digestOf(
  root: Root,
  path: string,
  algorithm: string,
  known: { readonly sha256: string | undefined; readonly md5: string | undefined },
): Promise<string | undefined> {
  if (algorithm === 'sha256' || algorithm === 'md5') return known[algorithm];
  const bytes = await root.readFile(path).catch(() => undefined);
  return bytes === undefined ? undefined : createHash(algorithm).update(bytes).digest('hex');
}
