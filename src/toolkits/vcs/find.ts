import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';

/**
 * For folders and everything above them: the nearest folder at or above a path that has a `.git` (or what `name` says). Each folder is looked
 * at once, all in one batch.
 */
export async function findTops(
  below: Iterable<string>,
  root: Root,
  name = '.git',
): Promise<(path: string) => string | undefined> {
  const nearest = new Map<string, string | undefined>();
  const folders = new Set<string>();
  for (const path of below) for (let at = outOfAnnex(path); !folders.has(at); at = posix.dirname(at)) folders.add(at);
  const all = [...folders];
  const stats = await root.lstat(all.map((folder) => posix.join(folder, name)));
  const tops = new Set(
    all.filter(
      (_, index) =>
        stats[index]?.type === 'directory' || stats[index]?.type === 'file' || stats[index]?.type === 'link',
    ),
  );

  const find = (path: string): string | undefined => {
    if (tops.has(path)) return path;
    if (path === '/') return undefined;
    const known = nearest.get(path);
    if (known !== undefined || nearest.has(path)) return known;
    const found = find(posix.dirname(path));
    nearest.set(path, found);
    return found;
  };
  return (path) => find(outOfAnnex(path));
}

/** Each key of git-annex has folders of its own: nobody works in there. */
function outOfAnnex(path: string): string {
  const at = path.indexOf('/annex/objects/');
  return at < 0 ? path : path.slice(0, at);
}
