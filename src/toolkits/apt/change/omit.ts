import type { Owner } from '../../../contract/index.ts';
import { byBytes } from '../../../model/index.ts';
import { packageKey, type AptChange, type AptLock } from '../spec.ts';

/** The lock, with these files of its packages as taken away since; those of packages that it does not have do not count. */
export function omit(lock: AptLock, files: ReadonlyMap<string, readonly Owner[]>): AptLock {
  const keys = new Set(lock.packages.map(packageKey));
  const rows = new Map((lock.changed ?? []).map((row) => [row.path, row]));
  for (const [path, owners] of files) {
    const owner = owners.find(({ key }) => keys.has(key));
    if (owner !== undefined) rows.set(path, { path, package: owner.key, removed: true } satisfies AptChange);
  }
  return rows.size === 0 ? lock : { ...lock, changed: [...rows.values()].sort((a, b) => byBytes(a.path, b.path)) };
}
