import { isSecretPath } from '../../model/index.ts';
import type { Context, Owner, Root } from '../../contract/index.ts';
import { expectedIn, prefixAt, prefixesOf, readPrefixes, type CondaPrefix } from './prefix.ts';

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
  const left = claimKnown(paths, claimed, [...readPrefixes(root, context).values()]);
  const folders = new Set<string>();
  for (const path of left) folders.add(folderOf(path));
  const near = await prefixesOf(folders, root, context);
  const tops = new Set<string>();
  for (const folder of folders) {
    const top = near(folder);
    if (top !== undefined) tops.add(top);
  }
  const fresh: CondaPrefix[] = [];
  for (const top of tops) fresh.push(await prefixAt(root, top, context));
  const unknown = claimKnown(left, claimed, fresh).filter((path) => {
    const top = near(folderOf(path));
    return top !== undefined && !isElse(path.slice(top.length + 1)) && !isSecretPath(path);
  });
  // claimed are things that are there
  const there = await root.lstat(unknown);
  for (const [index, path] of unknown.entries()) {
    const top = near(folderOf(path)) ?? '';
    if (there[index] === undefined) continue;
    const prefix = await prefixAt(root, top, context);
    const owners = leftOver(path.slice(top.length + 1), prefix, expectedIn(root, top, context));
    if (owners !== undefined) claimed.set(path, owners);
  }
  return await claimTops(paths, root, context, claimed);
}

/** Claims what packages of these prefixes have, and returns the rest. Paths come in runs of one prefix. */
function claimKnown(
  paths: readonly string[],
  claimed: Map<string, readonly Owner[]>,
  prefixes: readonly CondaPrefix[],
): readonly string[] {
  if (prefixes.length === 0) return paths;
  const left: string[] = [];
  // an inner prefix before the outer one
  const sorted = prefixes.toSorted((a, b) => b.top.length - a.top.length);
  for (const path of paths) {
    let owners: readonly Owner[] | undefined;
    for (const prefix of sorted) {
      if (!path.startsWith(prefix.top) || path.charCodeAt(prefix.top.length) !== slash) continue;
      owners = prefix.owners.get(path);
      break;
    }
    if (owners === undefined) left.push(path);
    else claimed.set(path, owners);
  }
  return left;
}

const slash = 47;

/** Whose a path is that no package has: the prefix's own, unless a spec knows better. */
function leftOver(
  path: string,
  { top, owners }: CondaPrefix,
  expected: ReadonlySet<string> | undefined,
): readonly Owner[] | undefined {
  if (expected === undefined || expected.has(path)) return [{ key: top, instance: top }];
  const [, folder, name] = /^(.*\/)?__pycache__\/([^/]+?)\.[^/]*\.pyc$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  const source = `${folder ?? ''}${name}.py`;
  const owner = owners.get(`${top}/${source}`)?.[0] ?? (expected.has(source) ? { key: top, instance: top } : undefined);
  return owner === undefined ? undefined : [{ ...owner, explained: 'compiled by Python when it was used' }];
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
  const left = claimed.size === paths.length ? [] : paths.filter((path) => !claimed.has(path));
  const stats = await root.lstat(left);
  const found = left.filter((_, index) => stats[index]?.type === 'directory');
  const near = await prefixesOf(found, root, context);
  for (const path of found) if (near(path) === path) claimed.set(path, [{ key: path, instance: path }]);
  return claimed;
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
