import { posix } from 'node:path';

import { isSecretPath, isWithin } from '../../model/index.ts';
import type { Context, Owner, Root, TraceContext } from '../../contract/index.ts';
import { modulesOf, type Modules } from './loaded.ts';

/**
 * Paths in the trees of loaded modules, the innermost tree first, and modulefiles (with their `.modulerc` and
 * `.version`) where the module tool looks for them. Only a run tells which modules were loaded.
 */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context | TraceContext,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const claimed = new Map<string, readonly Owner[]>();
  const ran = 'ran' in context ? context.ran : undefined;
  if (ran === undefined) return claimed;
  const modules = await modulesOf(ran, root, paths);
  const placeOf = places(modules);
  const candidates = paths.filter((path) => !isSecretPath(path) && placeOf(path) !== undefined);
  const stats = await root.lstat(candidates);
  const owners = new Map<string, readonly Owner[]>();
  for (const [index, path] of candidates.entries()) {
    const key = placeOf(path);
    if (key === undefined || stats[index] === undefined) continue;
    const owner = owners.get(key) ?? [{ key }];
    owners.set(key, owner);
    claimed.set(path, owner);
  }
  return claimed;
}

/** Which module a path belongs to, by where it lies. */
function places({ loaded, folders }: Modules): (path: string) => string | undefined {
  const files = new Map(loaded.map(({ file, name }) => [file, name]));
  const tops = loaded
    .flatMap(({ name, roots }) => roots.map((top) => ({ top, name })))
    .sort((a, b) => b.top.length - a.top.length);
  const shelves = loaded.length === 0 ? [] : folders.filter((folder) => folder.split('/').length > 2);
  return (path) => {
    const own = files.get(path) ?? tops.find(({ top }) => isWithin(path, top))?.name;
    if (own !== undefined) return own;
    const folder = shelves.find((one) => path !== one && isWithin(path, one));
    return folder === undefined ? undefined : posix.relative(folder, path).replace(/\.lua$/, '');
  };
}
