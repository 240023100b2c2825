import { UserError, type DistributionLock, type Step } from '../../model/index.ts';
import type { CreateContext, Root } from '../../contract/index.ts';
import { refuseMissing } from '../create/obtain.ts';
import type { Part } from '../plan.ts';

/** A package of the system that is not there as the spec wants it. */
export interface SystemPackage {
  readonly key: string;
  readonly version: string;
  /** What is there instead; absent where nothing is. */
  readonly is?: string;
}

interface Row {
  readonly version?: string;
  readonly sha256?: string;
}

/** What of the system that a spec stands on a place lacks, or has in another version. What it has beyond is its own. */
export async function compareBase(part: Part, root: Root, context: CreateContext): Promise<readonly SystemPackage[]> {
  const { packages } = await part.plugin.observe(part.spec, root, context);
  const there = new Map(packages.map(({ key, version }) => [key, version]));
  return part.plugin.packages(part.spec, part.lock).flatMap(({ key, version }): SystemPackage[] => {
    const is = there.get(key);
    if (is === version) return [];
    return [{ key, version, ...(is === undefined ? {} : { is }) }];
  });
}

/** One line of a list for people. */
export function systemLine({ key, version, is }: SystemPackage): string {
  return is === undefined ? `${key} ${version}` : `${key} ${version}, where ${is} is`;
}

/**
 * What brings the system's packages to what the spec wants: the steps of a change from what is there, with what they
 * need in the store.
 */
export async function systemSteps(
  part: Part,
  differing: readonly SystemPackage[],
  context: CreateContext,
): Promise<readonly Step[]> {
  const { plugin, spec } = part;
  const lock = part.lock as DistributionLock & { readonly packages?: readonly Row[] };
  if (plugin.change === undefined || lock.packages === undefined) {
    throw new UserError(`${plugin.title} cannot be changed where it is`, { status: 4 });
  }
  const due = new Map(differing.map((one) => [one.key, one]));
  const keyOf = (row: Row) => plugin.packages(spec, { ...lock, packages: [row] })[0]?.key ?? '';
  const fresh = lock.packages.filter((row) => due.has(keyOf(row)));
  const was = lock.packages.flatMap((row): Row[] => {
    const one = due.get(keyOf(row));
    if (one === undefined) return [row];
    if (one.is === undefined) return [];
    const { repacked: _, ...rest } = row as Row & { readonly repacked?: boolean };
    return [{ ...rest, version: one.is, sha256: '0'.repeat(64) }];
  });
  const wanted = await plugin.wanted(spec, { ...lock, packages: fresh }, context);
  const needed = new Set(fresh.map(({ sha256 }) => sha256));
  const obtained = await context.fetch(wanted.filter(({ sha256 }) => needed.has(sha256)));
  refuseMissing(obtained.missing);
  const from = { spec, lock: { ...lock, packages: was } as DistributionLock, made: {} };
  return plugin.change(from, { spec, lock, made: {} });
}
