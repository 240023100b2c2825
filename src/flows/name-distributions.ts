import { posix } from 'node:path';

import type { DistributionSpec } from '../model/index.ts';
import type { Described } from './attribute.ts';

/**
 * Gives ids where a type comes more than once: the last part of where it lies, in the alphabet of ids, with a number
 * where even that comes twice. A type that comes once is its own id.
 */
export function nameDistributions(described: readonly Described[]): { id: string; described: Described }[] {
  const count = new Map<string, number>();
  for (const { type } of described) count.set(type, (count.get(type) ?? 0) + 1);
  const taken = new Set(count.keys());
  return described.map((one) => {
    if (count.get(one.type) === 1) return { id: one.type, described: one };
    const last = plain(posix.basename(one.instance ?? one.type)) || one.type;
    const id = firstFree(last, taken);
    taken.add(id);
    return { id, described: one };
  });
}

/** The entry above the lock: `type`, then `id` where it is not the type, `base` where it is known, then the rest. */
export function entryOf(
  { id, described }: { id: string; described: Described },
  all: readonly { id: string; described: Described }[],
): DistributionSpec {
  const { type, ...rest } = described.spec;
  const { foundation } = described;
  const base = all.find(
    (one) =>
      one.id !== id &&
      one.described.type === foundation?.type &&
      (foundation.instance === undefined || one.described.instance === foundation.instance),
  );
  return { type, ...(id === type ? {} : { id }), ...(base === undefined ? {} : { base: base.id }), ...rest };
}

function firstFree(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let number = 2; ; number += 1) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}

function plain(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._+-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 64);
}
