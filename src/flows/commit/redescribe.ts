import { posix } from 'node:path';

import {
  byBytes,
  distributionId,
  isWithin,
  type DistributionLock,
  type DistributionSpec,
  type Note,
  type Spec,
} from '../../model/index.ts';
import type { AnyDistribution, Owner, Root, TraceContext } from '../../contract/index.ts';
import { attribute, type Attributed, type Described } from '../attribute.ts';
import { carryOver } from './three-way.ts';
import type { Changes } from './look.ts';
import { withoutGoneWishes } from './wishes.ts';

export interface Redescribed {
  readonly entries: readonly DistributionSpec[];
  /** By id, without `of` being right yet. */
  readonly locks: Readonly<Record<string, DistributionLock>>;
  /** Paths that are somebody's now; what was taken away, too. */
  readonly owned: ReadonlySet<string>;
  readonly notes: readonly Note[];
}

/**
 * The distributions of a spec after somebody has changed the tree that was made from it by hand. Both trees are
 * described in the same way, and the difference of the descriptions is what becomes of the spec: whatever did not
 * change stays as it stands there.
 */
export async function redescribe(
  from: Spec,
  trees: { readonly origin: Root; readonly now: Root; readonly changes: Changes },
  distributions: readonly AnyDistribution[],
  context: TraceContext,
): Promise<Redescribed> {
  const { origin, now, changes } = trees;
  const { added, changed, removed } = changes;
  const touched = [...added, ...changed, ...removed];
  // what is taken whole (an environment, a work tree) is described by all that is in it
  const tops = from.distributions
    .flatMap((entry) => pathOf(entry) ?? [])
    .filter((top) => touched.some((path) => isWithin(path, top)));
  const asked = (paths: readonly string[], tree: Changes['before']) => {
    const whole = [...tree.keys()].filter((path) => tops.some((top) => isWithin(path, top)));
    // a folder says nothing about who was there
    const files = [...paths, ...whole].filter((path) => entryOf(path, changes)?.type !== 'directory');
    return [...new Set(files)].toSorted(byBytes);
  };
  const before = await attribute(asked([...changed, ...removed], changes.before), origin, distributions, {
    ...context,
    keep: false,
  });
  // whose a file is that was taken away, lists still say
  const after = await attribute(asked(touched, changes.after), now, distributions, context);
  const was = new Map(before.described.map((one) => [keyOf(one.type, one.spec), one]));
  const is = new Map(after.described.map((one) => [keyOf(one.type, one.spec), one]));
  // where things have only come, nobody has been asked about what was there before
  for (const plugin of distributions) {
    if (![...is].some(([key, one]) => one.type === plugin.type && !was.has(key))) continue;
    const { distributions: found } = await plugin.describe(new Map(), origin, { ...context, keep: false });
    for (const one of found) {
      const key = keyOf(plugin.type, one.spec);
      if (!was.has(key)) was.set(key, { ...one, type: plugin.type });
    }
  }
  const locks: Record<string, DistributionLock> = {};
  const entries: DistributionSpec[] = [];
  for (const entry of from.distributions) {
    const id = distributionId(entry);
    const held = from.lock?.distributions?.[id];
    const [old, fresh] = [was.get(keyOf(entry.type, entry)), is.get(keyOf(entry.type, entry))];
    is.delete(keyOf(entry.type, entry));
    if (fresh === undefined && isGone(entry, old, changes)) continue;
    const lock = fresh === undefined || held === undefined ? held : carried(held, old, fresh);
    if (fresh === undefined) entries.push(entry);
    else {
      const plugin = distributions.find(({ type }) => type === entry.type);
      const carriedEntry = carryOver(entry, bare(old), { ...entry, ...bare(fresh) }) as DistributionSpec;
      entries.push(withoutGoneWishes(carriedEntry, held, lock, plugin));
    }
    if (lock !== undefined) locks[id] = lock;
  }
  for (const fresh of is.values()) {
    const id = freeId(fresh, entries);
    const base = baseId(fresh, entries);
    const { type, ...fields } = fresh.spec;
    entries.push({ type, ...(id === type ? {} : { id }), ...(base === undefined ? {} : { base }), ...fields });
    locks[id] = { of: 'sha256:', ...fresh.lock };
  }
  for (const entry of entries) {
    const plugin = distributions.find(({ type }) => type === entry.type);
    const lock = locks[distributionId(entry)];
    const removed = ownersOf(changes.removed, entry, after);
    if (lock !== undefined && plugin?.omit !== undefined && removed.size > 0) {
      locks[distributionId(entry)] = plugin.omit(lock, removed) as DistributionLock;
    }
  }
  const folders = touched.filter((path) => changes.after.get(path)?.type === 'directory');
  const owned = new Set(after.owned.keys());
  for (const plugin of distributions) {
    const known = new Set(entries.flatMap((entry) => (entry.type === plugin.type ? (pathOf(entry) ?? []) : [])));
    for (const [path, owners] of await plugin.claim(folders, now, context)) {
      if (owners.some(({ instance }) => instance === undefined || known.has(instance))) owned.add(path);
    }
  }
  return { entries, locks, owned, notes: after.notes };
}

function entryOf(path: string, { before, after }: Changes) {
  return after.get(path) ?? before.get(path);
}

function carried(held: DistributionLock, old: Described | undefined, fresh: Described): DistributionLock {
  const { of, ...rest } = held;
  return { of, ...(carryOver(rest, old?.lock, fresh.lock) as object) };
}

/** The entry as it is described, less its own name. */
function bare(one: Described | undefined): object | undefined {
  if (one === undefined) return undefined;
  const { id: _, base: __, ...fields } = one.spec;
  return fields;
}

function isGone(entry: DistributionSpec, old: Described | undefined, { before, after }: Changes): boolean {
  const top = pathOf(entry);
  return top === undefined ? old !== undefined : before.has(top) && !after.has(top);
}

/** Files that are a distribution's by its lists, and were taken away. */
function ownersOf(
  removed: readonly string[],
  entry: DistributionSpec,
  { owned }: Attributed,
): ReadonlyMap<string, readonly Owner[]> {
  const top = pathOf(entry);
  const found = removed.flatMap((path) => {
    const one = owned.get(path);
    if (one?.type !== entry.type) return [];
    const ours = one.owners.filter(
      ({ instance, explained }) => explained === undefined && (instance === undefined || instance === top),
    );
    return ours.length === 0 ? [] : [[path, ours] as const];
  });
  return new Map(found);
}

function keyOf(type: string, entry: object): string {
  return `${type}\0${pathOf(entry) ?? ''}`;
}

function pathOf(entry: object): string | undefined {
  const { path } = entry as { readonly path?: unknown };
  return typeof path === 'string' ? path : undefined;
}

function freeId(one: Described, entries: readonly DistributionSpec[]): string {
  const taken = new Set(entries.map(distributionId));
  if (!taken.has(one.type)) return one.type;
  const last = posix.basename(one.instance ?? one.type).replaceAll(/[^A-Za-z0-9._+-]+/g, '-');
  const wanted = /^[A-Za-z0-9]/.test(last) ? last.slice(0, 64) : one.type;
  let id = wanted;
  for (let number = 2; taken.has(id); number += 1) id = `${wanted}-${number}`;
  return id;
}

/** What it stands on, among those that are there. */
function baseId({ foundation }: Described, entries: readonly DistributionSpec[]): string | undefined {
  const base = entries.find(
    (entry) =>
      entry.type === foundation?.type && (foundation.instance === undefined || pathOf(entry) === foundation.instance),
  );
  return base === undefined ? undefined : distributionId(base);
}
