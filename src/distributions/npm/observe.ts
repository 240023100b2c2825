import { byBytes, type PackageId } from '../../model/index.ts';
import type { Checked, Context, Observed, Root } from '../../contract/index.ts';
import { checkTree } from '../../toolkits/trees/check.ts';
import { findUnknown } from '../../toolkits/trees/unknown.ts';
import { caches, readLayout } from './layout.ts';
import { treeOf } from './prepare.ts';
import { readTree } from './read-tree.ts';
import { npmSecrets } from './secrets.ts';
import { modulesOf, type NpmLock, type NpmPackage, type NpmSpec } from './spec.ts';
import { parseWish } from './wish.ts';

/** Each package by where it lies, so that two versions of one are two. Links are checked as files. */
export function packages(spec: NpmSpec, lock?: NpmLock): readonly PackageId[] {
  const wishes = (spec.packages ?? []).map(parseWish);
  if (lock === undefined) {
    const ids = wishes.map(({ name, range }) => ({
      key: `${modulesOf(spec)}/${name}`,
      version: range,
      name,
      listed: true,
    }));
    return ids.sort((a, b) => byBytes(a.key, b.key));
  }
  const asked = new Set(wishes.map(({ name, range }) => `${name}@${range}`));
  const names = new Set(wishes.map(({ name }) => `${modulesOf(spec)}/${name}`));
  return lock.packages
    .filter(({ link }) => link === undefined)
    .map(({ path, name, version }) => ({
      key: path,
      version,
      name,
      listed: names.has(path) || asked.has(`${name}@${version}`),
    }));
}

/** What lies there, by the packages' own files. */
export async function observe(spec: NpmSpec, root: Root): Promise<Observed> {
  const layout = await readLayout(root, spec.path, spec.global === true);
  if (layout === undefined) return { packages: [] };
  const { rows } = await readTree(root, layout);
  return {
    packages: rows
      .filter(({ link }) => link === undefined)
      .map(({ path, name, version }) => ({ key: path, version, name })),
  };
}

/** Every file against the list that was kept, or that the tarballs give: those that the store still has. */
export async function check(spec: NpmSpec, lock: NpmLock, root: Root, { store }: Context): Promise<Checked> {
  const isAtHand = async ({ sha256 }: NpmPackage) => sha256 === undefined || (await store.find(sha256)) !== undefined;
  const atHand = lock.tree !== undefined || (await Promise.all(lock.packages.map(isAtHand))).every(Boolean);
  const tree = atHand ? await treeOf(spec, lock, store) : undefined;
  if (tree === undefined) return { checked: 0, differing: [], explained: [] };
  const owner = `npm ${spec.path}`;
  const checked = await checkTree(root, spec.path, tree.entries, owner, npmSecrets);
  const layout = await readLayout(root, spec.path, spec.global === true);
  if (layout === undefined) return checked;
  // whoever lies in a package's folder is taken for its own by `claim`: only the list tells
  const except = [...layout.except, ...layout.folders.flatMap((folder) => caches.map((name) => `${folder}/${name}`))];
  const unknown = await findUnknown(root, spec.path, tree.entries, owner, { below: layout.folders, except });
  return { ...checked, differing: [...checked.differing, ...unknown].sort((a, b) => byBytes(a.path, b.path)) };
}
