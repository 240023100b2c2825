import { posix } from 'node:path';

import { isWithin } from '../../model/index.ts';
import type { Root, Store } from '../../contract/index.ts';
import { storedTree } from '../trees/compose.ts';
import { formatTree, type TreeEntry } from '../trees/entries.ts';
import { closureOf } from './keep-packages.ts';
import { normalizeName } from './metadata.ts';
import { filesOf, ownersIn } from './owners.ts';
import { parseRequirement } from './requirement.ts';
import type { Site } from './site.ts';
import type { PythonLock, PythonSpec } from './spec.ts';

/**
 * An environment with no more than the packages of which something is used, and those that these require: the others go
 * whole, with their metadata, so that what is left is a whole environment.
 */
export async function narrowPackages<S extends PythonSpec, L extends PythonLock>(
  { spec, lock }: { readonly spec: S; readonly lock: L },
  used: ReadonlySet<string>,
  { sites, root, store }: { readonly sites: readonly Site[]; readonly root: Root; readonly store: Store },
): Promise<{ readonly spec: S; readonly lock: L }> {
  const all = sites.flatMap(({ packages }) => packages);
  const owners = ownersIn(sites);
  const mine = [...used].filter((path) => isWithin(path, spec.path));
  const wanted = closureOf(new Set(mine.flatMap((path) => owners.of(path).packages.map(({ key }) => key))), all);
  const gone = new Set(all.filter(({ key }) => !wanted.has(key)));
  if (gone.size === 0) return { spec, lock };
  const names = new Set([...gone].map(({ key }) => key));
  const packages = lock.packages.filter(({ name }) => !names.has(normalizeName(name)));
  const wishes = spec.packages?.filter((wish) => !names.has(parseRequirement(wish)?.name ?? ''));
  const entry = wishes === undefined ? spec : { ...spec, packages: wishes };
  if (lock.tree === undefined) return { spec: entry, lock: { ...lock, packages } };
  const tree = await storedTree(lock.tree, store);
  if (tree === undefined) return { spec, lock };
  const files = await filesOf(gone, sites, owners, root);
  const isGone = (path: string) => {
    const absolute = posix.join(spec.path, path);
    return files.has(absolute) && owners.of(absolute).packages.every((one) => gone.has(one));
  };
  const left = withoutEmptied(tree, isGone);
  const rest = left.filter(({ type }) => type === 'file');
  const size = rest.reduce((sum, file) => sum + (file.size ?? 0), 0);
  const kept = { tree: await store.add(formatTree(left)), files: rest.length, size };
  return { spec: entry, lock: { ...lock, packages, ...kept } };
}

/** The entries that stay, less folders in which nothing is any more. */
function withoutEmptied(tree: readonly TreeEntry[], isGone: (path: string) => boolean): readonly TreeEntry[] {
  const holds = (entries: readonly TreeEntry[]) => new Set(entries.flatMap(({ path }) => foldersOf(path)));
  const others = tree.filter(({ type, path }) => type === 'directory' || !isGone(path));
  const before = holds(tree.filter(({ type }) => type !== 'directory'));
  const after = holds(others.filter(({ type }) => type !== 'directory'));
  return others.filter(({ type, path }) => type !== 'directory' || !before.has(path) || after.has(path));
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return ['.', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}
