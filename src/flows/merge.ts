import { posix } from 'node:path';

import {
  byBytes,
  distributionId,
  runId,
  UserError,
  type DistributionLock,
  type DistributionSpec,
  type FileLock,
  type HostFacts,
  type Spec,
} from '../model/index.ts';
import type { AnyDistribution } from '../contract/index.ts';
import { bindLock } from '../formats/spec/lock.ts';
import { activationsOf } from './activation.ts';
import { mergeRuns, renamedIn } from './merge/merge-runs.ts';
import { unite, type OnConflict } from './merge/merge-entries.ts';

export interface MergeOptions {
  readonly distributions: readonly AnyDistribution[];
  /** As the user named the spec that is added to. */
  readonly file: string;
  /** Whether what was traced now was described together with all that earlier runs had used. */
  readonly whole: boolean;
}

/**
 * A spec to which what was traced now is added: its run as the last one, its distributions united with those that are
 * there. Throws UserError 3 that names everything in which the two contradict each other.
 */
export function addTraced(held: Spec, traced: Spec, options: MergeOptions): Spec {
  const conflicts: string[] = [];
  const onConflict: OnConflict = (where, was, is) => conflicts.push(`${where}: ${was} in ${options.file}, ${is} now`);
  const { entries, locks, ids } = mergeDistributions(held, traced, options, onConflict);
  const united = { distributions: entries, lock: { distributions: locks } };
  const runs = mergeRuns([held, renamedIn(traced, ids)], (spec) => activationsOf(spec, options.distributions), united);
  const files = mergeFiles(held.lock?.files ?? [], traced.lock?.files ?? [], onConflict);
  refuseOtherInputs(held, traced, onConflict);
  if (conflicts.length > 0) {
    throw new UserError(`${options.file} and what was traced now contradict each other; nothing was written`, {
      status: 3,
      details: conflicts,
      hint: 'trace it into a spec of its own: -o FILE',
    });
  }
  const host = unite(held.lock?.host, traced.lock?.host, 'host', () => {}) as HostFacts | undefined;
  const names = new Set([...(held.files ?? []), ...(traced.files ?? [])]);
  const { lock: _, ...rest } = held;
  return bindLock(
    {
      ...rest,
      ...(runs.list.length === 0 ? {} : { runs: runs.list }),
      ...(Object.keys(runs.environment).length === 0 ? {} : { environment: runs.environment }),
      distributions: entries,
      ...(names.size === 0 ? {} : { files: [...names].sort(byBytes) }),
      lock: {
        ...held.lock,
        ...(files.length === 0 ? {} : { files }),
        ...(host === undefined ? {} : { host }),
      },
    },
    { distributions: locks, runs: runs.locks },
  );
}

interface Merged {
  readonly entries: readonly DistributionSpec[];
  readonly locks: Readonly<Record<string, DistributionLock>>;
  /** The ids that what was traced has in the united spec, by those that it had. */
  readonly ids: ReadonlyMap<string, string>;
}

function mergeDistributions(held: Spec, traced: Spec, options: MergeOptions, onConflict: OnConflict): Merged {
  const pairs = traced.distributions.map((added) => ({
    added,
    there: held.distributions.find((one) => isSame(one, added)),
  }));
  const ids = newIds(held, pairs);
  const locks: Record<string, DistributionLock> = { ...held.lock?.distributions };
  const entries: DistributionSpec[] = held.distributions.map((entry) =>
    named(entry, distributionId(entry), traced, ids),
  );
  for (const { added, there } of pairs) {
    const id = ids.get(distributionId(added)) ?? distributionId(added);
    const base = added.base === undefined ? {} : { base: ids.get(added.base) ?? added.base };
    const lock = traced.lock?.distributions?.[distributionId(added)];
    if (there === undefined) {
      entries.push(named({ ...added, ...base }, id, held, ids));
      if (lock !== undefined) locks[id] = lock;
      continue;
    }
    const { id: _, base: __, ...fields } = added;
    const at = held.distributions.indexOf(there);
    const entry = unite(entries[at], { ...fields, ...(there.base === undefined ? base : {}) }, id, onConflict);
    entries[at] = entry as DistributionSpec;
    const old = held.lock?.distributions?.[id];
    if (lock !== undefined) locks[id] = mergeLocks({ id, there, added }, old, lock, options, onConflict);
  }
  return { entries, locks, ids };
}

/** One lock of two states; what was described together with all that is held takes its place, if it has all of it. */
function mergeLocks(
  { id, there, added }: { readonly id: string; readonly there: DistributionSpec; readonly added: DistributionSpec },
  held: DistributionLock | undefined,
  lock: DistributionLock,
  { distributions, whole }: MergeOptions,
  onConflict: OnConflict,
): DistributionLock {
  if (held === undefined) return lock;
  const plugin = distributions.find(({ type }) => type === added.type);
  const now = new Map(plugin?.packages(added, lock).map(({ key, version }) => [key, version]));
  const before = plugin?.packages(there, held) ?? [];
  const moved = before.filter(({ key, version }) => now.has(key) && now.get(key) !== version);
  for (const { key, name = key, version } of moved) onConflict(`${id} ${name}`, version, now.get(key) ?? '');
  if (moved.length > 0) return held;
  if (whole && before.every(({ key }) => now.has(key))) return lock;
  const { of: _, ...old } = held;
  const { of: __, ...fresh } = lock;
  return unite({ ...old, of: held.of }, { ...fresh, of: held.of }, id, onConflict) as DistributionLock;
}

function isSame(one: DistributionSpec, other: DistributionSpec): boolean {
  return one.type === other.type && pathOf(one) === pathOf(other);
}

function pathOf(entry: DistributionSpec): unknown {
  return (entry as { readonly path?: unknown }).path;
}

/** The ids that what was traced has in the united spec, by those that it had. */
function newIds(
  held: Spec,
  pairs: readonly { readonly added: DistributionSpec; readonly there: DistributionSpec | undefined }[],
): ReadonlyMap<string, string> {
  const taken = new Set(held.distributions.map(distributionId));
  const ids = new Map<string, string>();
  for (const { added, there } of pairs) {
    const own = distributionId(added);
    if (there !== undefined) {
      ids.set(own, distributionId(there));
      continue;
    }
    const path = pathOf(added);
    const plain = typeof path === 'string' ? posix.basename(path).replaceAll(/[^A-Za-z0-9._+-]+/g, '-') : '';
    const wanted = !taken.has(own) ? own : /^[A-Za-z0-9]/.test(plain) ? plain : own;
    let id = wanted;
    for (let number = 2; taken.has(id); number += 1) id = `${wanted}-${number}`;
    taken.add(id);
    ids.set(own, id);
  }
  return ids;
}

/** An entry with its id, said where its type comes more than once. */
function named(entry: DistributionSpec, id: string, others: Spec, ids: ReadonlyMap<string, string>): DistributionSpec {
  const alike = others.distributions.some(
    (other) => other.type === entry.type && (ids.get(distributionId(other)) ?? distributionId(other)) !== id,
  );
  const { type, id: _, ...rest } = entry;
  return { type, ...(entry.id === undefined && !alike && id === type ? {} : { id }), ...rest };
}

function mergeFiles(
  held: readonly FileLock[],
  added: readonly FileLock[],
  onConflict: OnConflict,
): readonly FileLock[] {
  const files = new Map(held.map((file) => [file.path, file]));
  for (const file of added) {
    const there = files.get(file.path);
    if (there === undefined || (there.left !== undefined && file.left === undefined)) files.set(file.path, file);
    else if (file.left === undefined && contentOf(there) !== contentOf(file)) {
      onConflict(`file ${file.path}`, contentOf(there), contentOf(file));
    }
  }
  return [...files.values()].sort((a, b) => byBytes(a.path, b.path));
}

/** What a later run starts with has to be what an earlier one started with, or what that one made. */
function refuseOtherInputs(held: Spec, traced: Spec, onConflict: OnConflict): void {
  const made = new Set<string>();
  const inputs = new Map<string, FileLock>();
  for (const [index, run] of (held.runs ?? []).entries()) {
    const lock = held.lock?.runs?.[runId(run, index)];
    const absolute = (path: string) => posix.resolve(run.directory ?? '/', path);
    for (const file of lock?.inputs ?? []) inputs.set(absolute(file.path), file);
    for (const path of [...(run.outputs ?? []), ...(lock?.outputs ?? []).map((file) => file.path)])
      made.add(absolute(path));
  }
  const [run] = traced.runs ?? [];
  const lock = run === undefined ? undefined : traced.lock?.runs?.[runId(run, 0)];
  for (const file of lock?.inputs ?? []) {
    const path = posix.resolve(run?.directory ?? '/', file.path);
    const there = inputs.get(path);
    if (there === undefined || made.has(path) || there.left !== undefined || file.left !== undefined) continue;
    if (contentOf(there) !== contentOf(file)) onConflict(`input ${path}`, contentOf(there), contentOf(file));
  }
}

function contentOf({ sha256, link, directory, left }: FileLock): string {
  if (link !== undefined) return `a link to ${link}`;
  if (directory === true) return 'a folder';
  return sha256 === undefined ? `left out (${left ?? ''})` : `sha256 ${sha256.slice(0, 12)}…`;
}
