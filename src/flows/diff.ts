import { byBytes, type Change, type Differences, type DistributionDifference } from '../model/index.ts';
import { diffDistribution, pairEntries } from './diff/distributions.ts';
import { diffLooseFiles, diffTrees } from './diff/files.ts';
import { diffCustomize, diffEnvironment, diffRuns } from './diff/runs.ts';
import { partsSeen } from './diff/seen.ts';
import type { DiffOptions, Side } from './diff/side.ts';

/**
 * How two environments differ. A spec is taken at its word, a place is looked at: the distributions of its own spec,
 * else those of the other side's, else whatever is found there.
 */
export async function diff(a: Side, b: Side, options: DiffOptions): Promise<Differences> {
  const { satisfies = false } = options;
  const first = await partsSeen(a, b.spec, options);
  const second = await partsSeen(b, a.spec ?? { repronim: 1, distributions: first.map(({ spec }) => spec) }, options);
  const distributions = pairEntries(first, second)
    .map(([left, right]) => diffDistribution(left, right, satisfies))
    .toSorted((x, y) => byBytes(x.type, y.type) || byBytes(x.id, y.id));
  const files =
    isTree(a) && isTree(b)
      ? await diffTrees(a, b, [...first, ...second], distributions, options)
      : await diffLooseFiles(a, b);
  // what was to be run there is a word, too: of two specs, and of two places that have one
  const [one, other] = [a.spec, b.spec];
  const comparable = one !== undefined && other !== undefined;
  const runs = comparable ? diffRuns(one, other) : [];
  const environment = comparable ? diffEnvironment(one, other) : [];
  const customize = comparable ? diffCustomize(one, other) : [];
  const counted = (changes: readonly Change[]) =>
    satisfies ? changes.filter(({ was }) => was !== undefined) : changes;
  const found = {
    files: counted(files),
    runs: counted(runs),
    environment: counted(environment),
    customize: counted(customize),
  };
  return {
    equal: distributions.every(isEqual) && Object.values(found).every(({ length }) => length === 0),
    of: [a.label, b.label],
    satisfies,
    distributions,
    ...found,
  };
}

/** Whether all files of a side are compared. A machine has a million that say nothing about an environment. */
function isTree({ root }: Side): boolean {
  return root !== undefined && root.directory !== '/';
}

function isEqual({ release, packages, fields }: DistributionDifference): boolean {
  return release === undefined && packages.length === 0 && fields.length === 0;
}
