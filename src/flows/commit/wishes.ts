import type { DistributionLock, DistributionSpec } from '../../model/index.ts';
import type { AnyDistribution } from '../../contract/index.ts';
import { stemOf } from '../merge/merge-entries.ts';

/** The entry without wishes for packages that its lock had, and has no more. */
export function withoutGoneWishes(
  entry: DistributionSpec,
  old: DistributionLock | undefined,
  lock: DistributionLock | undefined,
  plugin: AnyDistribution | undefined,
): DistributionSpec {
  const { packages } = entry as { readonly packages?: unknown };
  if (!Array.isArray(packages) || old === undefined || lock === undefined || plugin === undefined) return entry;
  const names = (of: DistributionLock) =>
    new Set(plugin.packages(entry, of).flatMap(({ key, name = key }) => [plain(key), plain(name)]));
  const [had, has] = [names(old), names(lock)];
  const kept = packages.filter((wish) => {
    if (typeof wish !== 'string') return true;
    const name = plain(stemOf(wish).replace(/\[.*$/, ''));
    return !had.has(name) || has.has(name);
  });
  return kept.length === packages.length ? entry : ({ ...entry, packages: kept } as DistributionSpec);
}

/** Names that are one to pip and its like. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
