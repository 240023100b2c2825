import { byBytes, type Change, type DistributionDifference, type PackageId } from '../../model/index.ts';
import type { Seen } from './seen.ts';

type Pair = readonly [Seen, Seen | undefined] | readonly [undefined, Seen];

/** Which distribution of one side is which of the other: by path, then by id, then because there is but one. */
export function pairEntries(first: readonly Seen[], second: readonly Seen[]): readonly Pair[] {
  const left = [...first];
  const right = [...second];
  const pairs: Pair[] = [];
  const match = (isSame: (a: Seen, b: Seen) => boolean) => {
    for (const a of left.slice()) {
      const b = right.find((other) => other.plugin.type === a.plugin.type && isSame(a, other));
      if (b === undefined) continue;
      pairs.push([a, b]);
      left.splice(left.indexOf(a), 1);
      right.splice(right.indexOf(b), 1);
    }
  };
  match((a, b) => whereOf(a) === whereOf(b) && a.id === b.id);
  match((a, b) => whereOf(a) === whereOf(b));
  match((a, b) => a.id === b.id);
  match((a, b) => isAlone(a, left) && isAlone(b, right));
  return [...pairs, ...left.map((a) => [a, undefined] as const), ...right.map((b) => [undefined, b] as const)];
}

/** What two distributions of one type do not have in common; one that is missing has nothing. */
export function diffDistribution(a: Seen | undefined, b: Seen | undefined, satisfies: boolean): DistributionDifference {
  const one = (a ?? b) as Seen;
  const where = whereOf(one);
  const release =
    a?.said === true && b?.said === true ? changeOf(textOf(a, 'release'), textOf(b, 'release')) : undefined;
  const { packages, compared } = diffPackages(a, b, satisfies);
  const fields = a?.said === true && b?.said === true ? diffFields(a, b, packages) : [];
  return {
    type: one.plugin.type,
    id: one.id,
    ...(where === undefined ? {} : { where }),
    ...(release === undefined ? {} : { release }),
    packages,
    compared,
    fields: satisfies ? fields.filter(({ was }) => was !== undefined) : fields,
  };
}

function diffPackages(
  a: Seen | undefined,
  b: Seen | undefined,
  satisfies: boolean,
): { readonly packages: readonly Change[]; readonly compared: number } {
  // a loose entry names what is wished for only: against it, what merely stands in the other's closure is no news
  const [first, second] = [packagesOf(a, b), packagesOf(b, a)];
  const packages: Change[] = [];
  let compared = first.size;
  for (const [key, one] of first) {
    const other = second.get(key);
    const subject = one.name ?? key;
    if (other === undefined) packages.push({ subject, was: one.version });
    else if (!isSameVersion(one, other)) packages.push({ subject, was: one.version, is: other.version });
  }
  for (const [key, other] of second) {
    if (first.has(key)) continue;
    compared += 1;
    if (!satisfies) packages.push({ subject: other.name ?? key, is: other.version });
  }
  return { packages: packages.toSorted((x, y) => byBytes(x.subject, y.subject)), compared };
}

function packagesOf(side: Seen | undefined, other: Seen | undefined): ReadonlyMap<string, PackageId> {
  const packages = side?.packages ?? [];
  const counted =
    other?.whole === false ? packages.filter(({ key, listed }) => listed !== false && isWished(key, other)) : packages;
  return new Map(counted.map((one) => [one.key, one]));
}

/** Against a loose entry that was looked for in a place, only what it names is compared. */
function isWished(key: string, loose: Seen): boolean {
  return loose.said ? loose.packages.some((one) => one.key === key) || loose.packages.length === 0 : true;
}

function isSameVersion(a: PackageId, b: PackageId): boolean {
  return a.version === b.version || a.version === '' || b.version === '';
}

/** Scalars of the entries; a commit that is the version of what changed is not said twice. */
function diffFields(a: Seen, b: Seen, packages: readonly Change[]): readonly Change[] {
  const said = new Set(['type', 'id', 'release', ...(whereOf(a) === whereOf(b) ? ['path'] : [])]);
  const keys = [...new Set([...Object.keys(a.spec), ...Object.keys(b.spec)])].filter((key) => !said.has(key));
  return keys.sort(byBytes).flatMap((subject) => {
    const change = changeOf(textOf(a, subject), textOf(b, subject));
    if (change === undefined) return [];
    return packages.some(({ was, is }) => was === change.was && is === change.is) ? [] : [{ subject, ...change }];
  });
}

function changeOf(was: string | undefined, is: string | undefined): { was?: string; is?: string } | undefined {
  if (was === is) return undefined;
  return { ...(was === undefined ? {} : { was }), ...(is === undefined ? {} : { is }) };
}

function textOf({ spec }: Seen, key: string): string | undefined {
  const value = (spec as unknown as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

function whereOf(seen: Seen): string | undefined {
  return textOf(seen, 'path');
}

function isAlone(seen: Seen, among: readonly Seen[]): boolean {
  return among.filter(({ plugin }) => plugin.type === seen.plugin.type).length === 1;
}
