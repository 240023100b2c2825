import { isSecretPath } from '../../model/index.ts';
import type { Context, Owner, Root } from '../../contract/index.ts';
import { expectedIn, prefixAt, prefixesOf } from './prefix.ts';

/**
 * Everything below a conda prefix: of its packages by name, of the prefix itself where no package has it. What conda
 * keeps below its own prefix for others (its cache of packages) and what holds secrets is nobody's.
 */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const claimed = new Map<string, readonly Owner[]>();
  const folders = new Set<string>();
  for (const path of paths) folders.add(folderOf(path));
  const near = await prefixesOf(folders, root, context);
  const tops = new Set<string>();
  for (const folder of folders) {
    const top = near(folder);
    if (top !== undefined) tops.add(top);
  }
  if (tops.size === 0) return await claimTops(paths, root, context, claimed);
  const prefixes = new Map<string, ReadonlyMap<string, readonly string[]>>();
  for (const top of tops) prefixes.set(top, (await prefixAt(root, top, context)).owners);
  const unknown: string[] = [];
  for (const path of paths) {
    const top = near(folderOf(path));
    if (top === undefined) continue;
    const relative = path.slice(top.length + 1);
    const names = prefixes.get(top)?.get(relative);
    if (names !== undefined) claimed.set(path, ownersFor(names, top));
    else if (!isElse(relative) && !isSecretPath(path)) unknown.push(path);
  }
  // claimed are things that are there
  const there = await root.lstat(unknown);
  for (const [index, path] of unknown.entries()) {
    const top = near(folderOf(path)) ?? '';
    if (there[index] === undefined) continue;
    const owners = leftOver(path.slice(top.length + 1), top, prefixes.get(top), expectedIn(root, top, context));
    if (owners !== undefined) claimed.set(path, owners);
  }
  return await claimTops(paths, root, context, claimed);
}

/** Whose a path is that no package has: the prefix's own, unless a spec knows better. */
function leftOver(
  path: string,
  top: string,
  owners: ReadonlyMap<string, readonly string[]> | undefined,
  expected: ReadonlySet<string> | undefined,
): readonly Owner[] | undefined {
  if (expected === undefined || expected.has(path)) return ownersFor([top], top);
  const [, folder, name] = /^(.*\/)?__pycache__\/([^/]+?)\.[^/]*\.pyc$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  const source = `${folder ?? ''}${name}.py`;
  const [key = top] = owners?.get(source) ?? [];
  if (owners?.has(source) !== true && !expected.has(source)) return undefined;
  return [{ key, instance: top, explained: 'compiled by Python when it was used' }];
}

/** Whether a path below a prefix belongs to nobody there: the cache of packages, and the folder of environments. */
export function isElse(relative: string): boolean {
  return relative.startsWith('pkgs/') || relative === 'pkgs' || relative === 'envs' || relative.startsWith('envs/.');
}

/** Prefixes that were named themselves. */
async function claimTops(
  paths: readonly string[],
  root: Root,
  context: Context,
  claimed: Map<string, readonly Owner[]>,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const left = paths.filter((path) => !claimed.has(path));
  const stats = await root.lstat(left);
  const found = left.filter((_, index) => stats[index]?.type === 'directory');
  const near = await prefixesOf(found, root, context);
  for (const path of found) if (near(path) === path) claimed.set(path, ownersFor([path], path));
  return claimed;
}

const made = new Map<string, Map<string, readonly Owner[]>>();

/** One list for all paths of one package. */
function ownersFor(names: readonly string[], top: string): readonly Owner[] {
  let inTop = made.get(top);
  if (inTop === undefined) {
    if (made.size > 64) made.clear();
    made.set(top, (inTop = new Map()));
  }
  const key = names.length === 1 ? (names[0] ?? '') : names.join('\0');
  let owners = inTop.get(key);
  if (owners === undefined) inTop.set(key, (owners = names.map((one) => ({ key: one, instance: top }))));
  return owners;
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
