import type { PackageId } from '../../model/index.ts';
import type { Checked, Context, Observed, Root } from '../../contract/index.ts';
import { checkTree } from '../../toolkits/trees/check.ts';
import { storedTree } from '../../toolkits/trees/compose.ts';
import { readWorkingCopy } from './database.ts';
import { revisionOf } from './describe.ts';
import { changedPaths } from './status.ts';
import type { SvnLock, SvnSpec } from './spec.ts';

/** The working copy, known by where it comes from. */
export function packages(spec: SvnSpec, lock?: SvnLock): readonly PackageId[] {
  return [idOf(spec, spec.revision ?? lock?.revision, (spec.changes ?? 0) > 0)];
}

/** The same, as the root has it; nothing where there is no working copy. */
export async function observe(spec: SvnSpec, root: Root): Promise<Observed> {
  const copy = await readWorkingCopy(root, spec.path);
  if ('because' in copy) return { packages: [] };
  const changed = (await changedPaths(root, spec.path, copy)).length > 0;
  return { packages: [idOf(spec, revisionOf(copy), changed)] };
}

/** Every versioned file, and everything in `.svn`, against the list that was kept. */
export async function check(spec: SvnSpec, lock: SvnLock, root: Root, { store }: Context): Promise<Checked> {
  const tree = lock.tree === undefined ? undefined : await storedTree(lock.tree, store);
  if (tree !== undefined) return await checkTree(root, spec.path, tree, `svn ${spec.path}`);
  const copy = await readWorkingCopy(root, spec.path);
  const owner = `svn ${spec.path}`;
  if ('because' in copy)
    return { checked: 1, differing: [{ path: `${spec.path}/.svn`, kind: 'missing', owner }], explained: [] };
  const changed = await changedPaths(root, spec.path, copy);
  return {
    checked: copy.nodes.length,
    differing: changed.map((path) => ({ path: `${spec.path}/${path}`, kind: 'changed', owner })),
    explained: [],
  };
}

function idOf(spec: SvnSpec, revision: string | undefined, changed: boolean): PackageId {
  return { key: spec.url, version: `r${revision ?? 'HEAD'}${changed ? '+changes' : ''}`, name: spec.path };
}
