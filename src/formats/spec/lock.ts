import {
  digestOf,
  distributionId,
  runId,
  UserError,
  type Digest,
  type DistributionLock,
  type DistributionSpec,
  type Run,
  type RunLock,
  type Spec,
} from '../../model/index.ts';
import type { AnyDistribution } from '../../contract/index.ts';
import { describeEdit } from './edit.ts';
import { faultLine } from './fault.ts';
import { faultAt } from './read.ts';
import { runDefaults } from './schema.ts';
import type { Document } from './tree.ts';

/** How an entry and its lock stand to each other. */
export interface EntryState {
  readonly kind: 'distribution' | 'run';
  readonly id: string;
  /** `stale`: there is a lock, of an entry that was another. */
  readonly state: 'locked' | 'stale' | 'unlocked';
  /** Of a stale one, as far as it can be told: `package nilearn is new`. */
  readonly changed: readonly string[];
  readonly index: number;
}

/**
 * What a lock entry is bound to (its `of`): the digest of the validated entry's canonical JSON, what is only said by
 * default left out, keys that are not known included.
 */
export function entryDigest(entry: DistributionSpec | Run): Digest {
  return digestOf(withoutDefaults(entry));
}

/** A spec with these lock entries in place of those that it had, each bound to its entry above. */
export function bindLock(
  spec: Spec,
  entries: {
    readonly distributions?: Readonly<Record<string, object>>;
    readonly runs?: Readonly<Record<string, Omit<RunLock, 'of'>>>;
  },
): Spec {
  const distributions = { ...spec.lock?.distributions };
  for (const entry of spec.distributions) {
    const id = distributionId(entry);
    const held = entries.distributions?.[id];
    if (held !== undefined) distributions[id] = { ...held, of: entryDigest(entry) };
  }
  const runs = { ...spec.lock?.runs };
  for (const [index, run] of (spec.runs ?? []).entries()) {
    const held = entries.runs?.[runId(run, index)];
    if (held !== undefined) runs[runId(run, index)] = { ...held, of: entryDigest(run) };
  }
  const lock = {
    ...spec.lock,
    ...(Object.keys(distributions).length === 0 ? {} : { distributions }),
    ...(Object.keys(runs).length === 0 ? {} : { runs }),
  };
  return { ...spec, lock };
}

/** The state of every distribution, then of every run, in the order of the file. */
export function lockState(spec: Spec): readonly EntryState[] {
  const distributions = spec.distributions.map((entry, index) =>
    stateOf('distribution', distributionId(entry), index, entry, spec.lock?.distributions?.[distributionId(entry)]),
  );
  const runs = (spec.runs ?? []).map((run, index) =>
    stateOf('run', runId(run, index), index, run, spec.lock?.runs?.[runId(run, index)]),
  );
  return [...distributions, ...runs];
}

/** Throws a UserError (status 2) that names every entry whose lock belongs to what it was before an edit. */
export function refuseStale(
  spec: Spec,
  of: {
    readonly file: string;
    readonly document?: Document;
    /** The spec that it is on top of, and what that came to when it was locked. */
    readonly derived?: { readonly own: Spec; readonly file: string; readonly was?: Digest };
  },
): void {
  const { derived } = of;
  if (derived?.was !== undefined && derived.was !== spec.lock?.from) {
    throw new UserError(`${derived.file}, which ${of.file} is on top of, is another than when that was locked`, {
      status: 2,
      hint: `repronim resolve ${of.file}`,
    });
  }
  const stale = lockState(spec).filter(({ state }) => state === 'stale');
  if (stale.length === 0) return;
  const lines = stale.map((entry) => {
    const what = entry.changed.length === 0 ? '' : `: ${entry.changed.join(', ')}`;
    const message = `${entry.kind} ${entry.id} was edited after it was locked${what}`;
    if (of.document === undefined || derived !== undefined) return `${of.file}: ${message}`;
    return faultLine(faultAt(of.document, [`${entry.kind}s`, entry.index], message));
  });
  throw new UserError(lines[0] ?? '', { status: 2, hint: `repronim resolve ${of.file}`, details: lines.slice(1) });
}

/** `exact`: every distribution has a lock that is its own; `pinned`: every package says its version; else `loose`. */
export function exactness(spec: Spec, distributions: readonly AnyDistribution[]): 'loose' | 'pinned' | 'exact' {
  const states = lockState(spec).filter(({ kind }) => kind === 'distribution');
  if (states.every(({ state }) => state === 'locked')) return 'exact';
  const pinned = spec.distributions.every((entry, index) => {
    if (states[index]?.state === 'locked') return true;
    const plugin = distributions.find(({ type }) => type === entry.type);
    return plugin !== undefined && plugin.packages(entry).every(({ version }) => version !== '');
  });
  return pinned ? 'pinned' : 'loose';
}

function stateOf(
  kind: EntryState['kind'],
  id: string,
  index: number,
  entry: DistributionSpec | Run,
  lock: DistributionLock | RunLock | undefined,
): EntryState {
  if (lock === undefined) return { kind, id, index, state: 'unlocked', changed: [] };
  if (lock.of === entryDigest(entry)) return { kind, id, index, state: 'locked', changed: [] };
  return { kind, id, index, state: 'stale', changed: describeEdit(entry, lock, entryDigest) };
}

function withoutDefaults(entry: DistributionSpec | Run): unknown {
  const members = Object.entries(entry) as readonly (readonly [string, unknown])[];
  if ('type' in entry)
    return Object.fromEntries(members.filter(([key, value]) => key !== 'id' || value !== entry.type));
  return Object.fromEntries(
    members.filter(
      ([key, value]) =>
        JSON.stringify(runDefaults[key]) !== JSON.stringify(value) && !(key === 'id' && isDefaultRunId(String(value))),
    ),
  );
}

function isDefaultRunId(id: string): boolean {
  return /^run(?:-[0-9]+)?$/.test(id);
}
