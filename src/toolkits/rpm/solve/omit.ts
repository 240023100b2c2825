import type { Owner } from '../../../contract/index.ts';
import { byBytes } from '../../../model/index.ts';
import type { RpmChange, RpmLock } from '../spec.ts';

/** The lock, with these files of its packages as taken away since. */
export function omit(lock: RpmLock, files: ReadonlyMap<string, readonly Owner[]>): RpmLock {
  const rows = new Map((lock.changed ?? []).map((row) => [row.path, row]));
  for (const [path, [owner]] of files) {
    if (owner !== undefined) rows.set(path, { path, package: owner.key, removed: true } satisfies RpmChange);
  }
  return rows.size === 0 ? lock : { ...lock, changed: [...rows.values()].sort((a, b) => byBytes(a.path, b.path)) };
}
