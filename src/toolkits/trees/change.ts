import { posix } from 'node:path';

import type { TreeEntry } from './entries.ts';

/**
 * What only the first of two trees that are laid at `top` has, absolute: whole folders at once, and what Python may have
 * compiled of single files since. What neither has is somebody's own, and not named.
 */
export function goneFrom(top: string, from: readonly TreeEntry[], to: readonly TreeEntry[]): readonly string[] {
  const stays = new Set(to.map(({ path }) => path));
  const gone = from.flatMap(({ path }) => (stays.has(path) ? [] : [path]));
  const goes = new Set(gone);
  const first = gone.filter((path) => !goes.has(posix.dirname(path)));
  const compiled = first.flatMap((path) => {
    const [, folder = '', module] = /^(.*\/)?([^/]+)\.py$/.exec(path) ?? [];
    const [, major, minor] = /(?:^|\/)python(\d)\.(\d+)\//.exec(path) ?? [];
    if (module === undefined || major === undefined || minor === undefined) return [];
    return [`${folder}__pycache__/${module}.cpython-${major}${minor}.pyc`];
  });
  return [...first, ...compiled].map((path) => posix.join(top, path));
}
