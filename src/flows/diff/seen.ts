import type { AnyDistribution, Context, Root, TraceContext } from '../../contract/index.ts';
import {
  distributionId,
  UserError,
  type DistributionLock,
  type DistributionSpec,
  type PackageId,
  type Spec,
} from '../../model/index.ts';
import { pluginFor } from '../nested.ts';
import type { DiffOptions, Side } from './side.ts';

/** One distribution of one side. */
export interface Seen {
  readonly id: string;
  readonly plugin: AnyDistribution;
  readonly spec: DistributionSpec;
  readonly packages: readonly PackageId[];
  /** Whether the packages are all that there are: observed, or locked. */
  readonly whole: boolean;
  /** Whether the entry's own fields are its word: not where a place was looked at. */
  readonly said: boolean;
}

/** What one side has. `like` is where to look in a place that has no spec of its own. */
export async function partsSeen(
  side: Side,
  like: Spec | undefined,
  { distributions, context }: DiffOptions,
): Promise<readonly Seen[]> {
  const { spec, root } = side;
  if (root === undefined) return (spec?.distributions ?? []).map((entry) => inSpec(entry, spec, distributions));
  const entries = (spec ?? like)?.distributions ?? (await findEntries(root, distributions, context));
  const seen = await Promise.all(
    entries.map(async (entry): Promise<Seen> => {
      const plugin = pluginOf(entry, distributions);
      const observed = await plugin.observe(entry, root, context);
      const packages = side.inPlace === true ? ofSpec(observed.packages, entry, plugin, spec) : observed.packages;
      return { id: distributionId(entry), plugin, spec: entry, packages, whole: true, said: false };
    }),
  );
  // of the other side's distributions, only what is there is there
  return spec === undefined ? seen.filter(({ packages }) => packages.length > 0) : seen;
}

/** Of a system that was there before, what its spec names. */
function ofSpec(
  packages: readonly PackageId[],
  entry: DistributionSpec,
  plugin: AnyDistribution,
  spec: Spec | undefined,
): readonly PackageId[] {
  if (plugin.bootstrap === undefined || spec === undefined) return packages;
  const lock: DistributionLock | undefined = spec.lock?.distributions?.[distributionId(entry)];
  const named = new Set(plugin.packages(entry, lock).map(({ key }) => key));
  return packages.filter(({ key }) => named.has(key));
}

function inSpec(entry: DistributionSpec, spec: Spec | undefined, distributions: readonly AnyDistribution[]): Seen {
  const plugin = pluginOf(entry, distributions);
  const id = distributionId(entry);
  const lock: DistributionLock | undefined = spec?.lock?.distributions?.[id];
  return { id, plugin, spec: entry, packages: plugin.packages(entry, lock), whole: lock !== undefined, said: true };
}

async function findEntries(
  root: Root,
  distributions: readonly AnyDistribution[],
  context: Context,
): Promise<readonly DistributionSpec[]> {
  const looking: TraceContext = { ...context, scope: 'all', keep: false, whole: [] };
  const found: DistributionSpec[] = [];
  for (const plugin of distributions) {
    const { distributions: described } = await plugin.describe(new Map(), root, looking);
    found.push(...described.map(({ spec }) => spec as DistributionSpec));
  }
  return found;
}

function pluginOf(entry: DistributionSpec, distributions: readonly AnyDistribution[]): AnyDistribution {
  const plugin = pluginFor(entry, distributions);
  if (plugin === undefined) throw new UserError(`unknown distribution "${entry.type}"`, { status: 2 });
  return plugin;
}
