import type { Level } from '../../model/index.ts';

type Counts = Map<string, { checked: number; equal: number }>;

/** The counts of one sort of what a level counts, to be added to. */
export function sortOf(counts: Counts, what: string): { checked: number; equal: number } {
  const found = counts.get(what) ?? { checked: 0, equal: 0 };
  counts.set(what, found);
  return found;
}

/** All of them together, and each where there are several. What is not there is no sort. */
export function totalOf(counts: Counts): Pick<Level, 'checked' | 'equal' | 'sorts'> {
  const sorts = [...counts].filter(([, { checked }]) => checked > 0).map(([what, count]) => ({ what, ...count }));
  const sum = (key: 'checked' | 'equal') => sorts.reduce((total, sort) => total + sort[key], 0);
  return { checked: sum('checked'), equal: sum('equal'), ...(sorts.length > 1 ? { sorts } : {}) };
}
