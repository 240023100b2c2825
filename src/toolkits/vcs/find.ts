import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';

/**
 * For every folder of these paths, and for the paths themselves where they are folders, the nearest folder at or above
 * it that has a `.git`. One lstat for each folder, and for each folder above, in one batch.
 */
export async function findTops(paths: readonly string[], root: Root): Promise<(path: string) => string | undefined> {
  const nearest = new Map<string, string | undefined>();
  const folders = new Set<string>();
  const kinds = await root.lstat(paths);
  for (const [index, path] of paths.entries()) {
    const start = kinds[index]?.type === 'directory' ? path : posix.dirname(path);
    for (let at = start; !folders.has(at); at = posix.dirname(at)) folders.add(at);
  }
  const all = [...folders];
  const stats = await root.lstat(all.map((folder) => posix.join(folder, '.git')));
  const tops = new Set(all.filter((_, index) => stats[index]?.type === 'directory' || stats[index]?.type === 'file'));

  const find = (path: string): string | undefined => {
    if (tops.has(path)) return path;
    if (path === '/') return undefined;
    const known = nearest.get(path);
    if (known !== undefined || nearest.has(path)) return known;
    const found = find(posix.dirname(path));
    nearest.set(path, found);
    return found;
  };
  return find;
}
