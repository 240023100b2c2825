import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import type { CondaLock, CondaPackage } from './spec.ts';

/** Whether the records that lay there are of the locked packages: an edit has not changed them. */
export function isTreeOf(tree: readonly TreeEntry[], { packages, edited }: CondaLock): boolean {
  if (edited === true) return false;
  const records = new Set(
    tree.flatMap(({ path, type }) => (type === 'file' && /^conda-meta\/[^/]+\.json$/.test(path) ? [path] : [])),
  );
  const locked = packages.filter(({ repacked }) => repacked !== true).map(recordPath);
  const kept = packages.length - locked.length;
  return (
    locked.every((path) => records.has(path)) && records.size >= locked.length && records.size - locked.length >= kept
  );
}

/** Where the record of a package lies, below the prefix. */
export function recordPath({ name, version, build }: Pick<CondaPackage, 'name' | 'version' | 'build'>): string {
  return `conda-meta/${name}-${version}-${build}.json`;
}
