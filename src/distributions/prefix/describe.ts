import { posix } from 'node:path';

import { byBytes, deniesOthers, isSecretPath, type Note } from '../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../contract/index.ts';
import { formatTree, surveyTree, type TreeEntry } from '../../toolkits/trees/entries.ts';
import { packTree } from '../../toolkits/trees/pack.ts';
import { identify, type Identity } from './identify.ts';
import { managedPlace } from './places.ts';
import type { PrefixLock, PrefixSpec } from './spec.ts';
import { completeUsed } from './used.ts';

/** What is kept of one tree, in bytes, where the settings don't say otherwise. */
const defaultLimit = 2 * 1024 ** 3;

type One = Description<PrefixSpec, PrefixLock>['distributions'][number] & { readonly notes: readonly Note[] };

/** Trees that were packed for one trace, by top and what was used of them. */
const packedOf = new WeakMap<Root, { readonly context: TraceContext; readonly trees: Map<string, Promise<One>> }>();

/** Each tree with what was used of it, or with everything in it where it was asked for whole. */
export async function describe(
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<PrefixSpec, PrefixLock>> {
  const used = new Map<string, string[]>();
  for (const [path, owners] of owned) {
    for (const { key } of owners) {
      const paths = used.get(key) ?? [];
      paths.push(path);
      used.set(key, paths);
    }
  }
  const last = packedOf.get(root);
  const held = last?.context === context ? last.trees : new Map<string, Promise<One>>();
  packedOf.set(root, { context, trees: held });
  const leads = new Set<string>();
  const distributions: One[] = [];
  for (const [top, paths] of [...used].sort(([a], [b]) => byBytes(a, b))) {
    const whole = context.whole.includes(top);
    const identity = await identify(top, root);
    const all = whole ? await everything(top, root) : await completeUsed(top, [...paths, ...identity.evidence], root);
    for (const lead of all.leads) leads.add(lead);
    const key = JSON.stringify([top, whole, context.keep, ...[...all.paths].sort(byBytes)]);
    let one = held.get(key);
    if (one === undefined) held.set(key, (one = pack(top, whole, identity, all.paths, root, context)));
    distributions.push(await one);
  }
  return {
    distributions: distributions.map(({ spec, lock, summary, instance = spec.path }) => ({
      spec,
      lock,
      summary,
      instance,
    })),
    leads: [...leads].sort(byBytes),
    notes: distributions.flatMap(({ notes }) => notes),
  };
}

async function everything(top: string, root: Root): Promise<{ paths: Set<string>; leads: string[] }> {
  const paths = new Set<string>();
  for await (const { path } of root.scan({ below: [top], digests: [] })) paths.add(path);
  return { paths, leads: [] };
}

async function pack(
  top: string,
  whole: boolean,
  identity: Identity,
  paths: ReadonlySet<string>,
  root: Root,
  context: TraceContext,
): Promise<One> {
  const secret = [...paths].filter(isSecretPath);
  const survey = await surveyTree(
    root,
    top,
    [...paths].filter((path) => !isSecretPath(path)),
  );
  const isPrivate = ({ type, mode }: TreeEntry) => type === 'file' && deniesOthers(mode);
  const notes: Note[] = [
    ...survey.notes,
    ...secret.map((path) => leftNote(path, 'it is a place for keys, tokens or passwords')),
    ...survey.entries
      .filter(isPrivate)
      .map(({ path }) => leftNote(posix.join(top, path), 'its mode denies others to read it')),
  ];
  const entries = survey.entries.filter((entry) => !isPrivate(entry));
  const files = entries.filter(({ type }) => type !== 'directory').length;
  const size = entries.reduce((sum, entry) => sum + (entry.size ?? 0), 0);
  const spec: PrefixSpec = {
    type: 'prefix',
    path: top,
    name: identity.name,
    ...(identity.version === undefined ? {} : { version: identity.version }),
    ...(whole ? { whole } : {}),
  };
  const about = [identity.name, identity.version].filter((part) => part !== undefined).join(' ');
  const by = managedPlace(posix.join(top, 'x'))?.by;
  const common = {
    spec,
    instance: top,
    summary: `1 prefix (${about}${by === undefined || by === identity.name ? '' : `, ${by}`})`,
  };
  const limit = limitOf(context);
  if (!context.keep) return { ...common, lock: { files, size }, notes };
  if (size > limit) {
    notes.push(
      leftNote(top, `it holds ${size} bytes, more than the limit of ${limit} (prefix.limit in the configuration)`),
    );
    return { ...common, lock: { files, size }, notes };
  }
  const packed = await packTree(root, top, entries, context.store);
  return {
    ...common,
    lock: { tree: await context.store.add(formatTree(packed.entries)), archive: packed.archive, files, size },
    notes: [...notes, ...packed.notes],
  };
}

function limitOf(context: TraceContext): number {
  const { limit } = context.settings('prefix');
  return typeof limit === 'number' && limit >= 0 ? limit : defaultLimit;
}

function leftNote(path: string, because: string): Note {
  return { kind: 'left', path, text: `${path} is not kept: ${because}` };
}
