import { byBytes } from '../../../model/index.ts';
import { parseRelations, versionFits, type Relation } from '../relations.ts';
import { scanIndex } from '../read/lists.ts';
import { packageKey, type AptPackage } from '../spec.ts';
import { offersOf } from './catalogue.ts';
import type { Held } from './held.ts';
import type { ReadIndex } from './read-indices.ts';
import type { Solved } from './solve.ts';

/**
 * Held packages that fell out of a solution although something in it could be satisfied by them: of alternatives (`a |
 * b`, or what several provide) apt takes the first on an empty system, and what is held stays. Words for apt-get.
 */
export function stillServing(
  { packages: held, paragraphs }: Held,
  solved: readonly Solved[],
  indices: readonly ReadIndex[],
): readonly string[] {
  const there = new Set(solved.map(packageKey));
  const fallen = held.filter((one) => !there.has(packageKey(one)));
  if (fallen.length === 0) return [];
  const names = new Set([...fallen, ...solved].map(({ name }) => name));
  const offers = [...offersOf(names, indices).values()].flat().map(({ offer }) => offer);
  const key = (one: Omit<Solved, 'sha256' | 'size'>) => `${packageKey(one)}=${one.version}`;
  const known = new Map([...offers, ...scanIndex(Buffer.from(paragraphs), names)].map((one) => [key(one), one]));
  const offerOf = (one: Solved | AptPackage) => known.get(key(one));
  const provided = new Map(fallen.map((one) => [one, parseRelations(offerOf(one)?.provides ?? '').flat()]));
  const serves = (one: AptPackage, relation: Relation) =>
    (relation.name === one.name && versionFits(relation, one.version)) ||
    provided.get(one)?.some(({ name, version }) => name === relation.name && versionFits(relation, version)) === true;
  // what was taken along with the others, and was not there before
  const before = new Set(held.map(packageKey));
  const risen = solved.filter((one) => !before.has(packageKey(one)));
  const found = new Set<string>();
  for (const one of solved) {
    for (const group of parseRelations(offerOf(one)?.depends ?? '')) {
      const serving = fallen.filter((other) => group.some((relation) => serves(other, relation)));
      const kept = solved.some((other) => !risen.includes(other) && group.some(({ name }) => name === other.name));
      if (serving.length > 0 && !kept) for (const other of serving) found.add(wordFor(other));
    }
  }
  return [...found].sort(byBytes);
}

function wordFor({ name, architecture, version }: AptPackage): string {
  return `${architecture === 'all' ? name : `${name}:${architecture}`}=${version}`;
}
