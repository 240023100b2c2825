import type { Context, Root } from '../../contract/index.ts';
import { byBytes, type Difference, type Level, type PackageId } from '../../model/index.ts';
import type { Part } from '../plan.ts';
import { sortOf, totalOf } from './sorts.ts';

/** The locked packages against those that are there, both ways. */
export async function verifyPackages(parts: readonly Part[], root: Root, context: Context): Promise<Level> {
  const differing: Difference[] = [];
  const sorts = new Map<string, { checked: number; equal: number }>();
  for (const { id, plugin, spec, lock } of parts) {
    const wanted = byKey(plugin.packages(spec, lock));
    const { packages } = await plugin.observe(spec, root, context);
    const found = byKey(packages);
    const sort = sortOf(sorts, 'packages' in lock ? 'packages' : plugin.type);
    sort.checked += wanted.size;
    for (const [key, { version }] of wanted) {
      const there = found.get(key);
      if (there === undefined) differing.push({ path: key, kind: 'missing', was: version, owner: id });
      else if (there.version === version) sort.equal += 1;
      else differing.push({ path: key, kind: 'version', was: version, is: there.version, owner: id });
    }
    for (const [key, { version }] of found) {
      if (!wanted.has(key)) differing.push({ path: key, kind: 'unknown', is: version, owner: id });
    }
  }
  return { ...totalOf(sorts), differing: differing.toSorted((a, b) => byBytes(a.path, b.path)), explained: [] };
}

function byKey(packages: readonly PackageId[]): ReadonlyMap<string, PackageId> {
  return new Map(packages.map((one) => [one.key, one]));
}
