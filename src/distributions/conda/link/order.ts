import { byBytes } from '../../../model/index.ts';
import { nameOf } from '../history.ts';

/** A package as far as the order of linking is about it. */
export interface Ordered {
  readonly name: string;
  readonly depends: readonly string[];
}

/**
 * Each package after those that it depends on, by name where that leaves it open: of a path that several have, the last
 * one's stays. Circles are cut where they are met.
 */
export function orderPackages<T extends Ordered>(packages: readonly T[]): readonly T[] {
  const byName = new Map(packages.map((one) => [one.name, one]));
  const sorted = packages.toSorted((a, b) => byBytes(a.name, b.name));
  const ordered: T[] = [];
  const seen = new Set<string>();
  for (const first of sorted) {
    // no recursion: a stranger's packages may depend on each other ten thousand deep
    const stack = [{ one: first, left: needs(first) }];
    if (seen.has(first.name)) continue;
    seen.add(first.name);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.left.shift();
      if (next === undefined) {
        ordered.push(top.one);
        stack.pop();
        continue;
      }
      const one = byName.get(next);
      if (one === undefined || seen.has(next)) continue;
      seen.add(next);
      stack.push({ one, left: needs(one) });
    }
  }
  return ordered;
}

function needs({ depends }: Ordered): string[] {
  return [...new Set(depends.flatMap((one) => nameOf(one) ?? []))].sort(byBytes);
}
