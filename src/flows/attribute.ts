import { posix } from 'node:path';

import { byBytes, UserError, type ContentRef, type Note } from '../model/index.ts';
import type { AnyDistribution, Owner, Root, TraceContext } from '../contract/index.ts';

/** Which distribution owns a path, and what it says of it. */
export interface Owned {
  readonly type: string;
  readonly owners: readonly Owner[];
}

/** One distribution of the spec before it has its id. */
export interface Described {
  readonly type: string;
  readonly spec: { readonly type: string } & Readonly<Record<string, unknown>>;
  readonly lock: Readonly<Record<string, unknown>>;
  readonly instance?: string;
  readonly summary: string;
  /** A path of what it stands on. */
  readonly standsOn?: string;
  /** Variables of the run that are its doing. */
  readonly variables?: readonly string[];
  /** Whose that path is. */
  readonly foundation?: { readonly type: string; readonly instance?: string };
}

export interface Attributed {
  /** Every path that has an owner, canonical. */
  readonly owned: ReadonlyMap<string, Owned>;
  readonly described: readonly Described[];
  /** What is kept of files in the place of their content, by path. */
  readonly cut: ReadonlyMap<string, ContentRef>;
  readonly notes: readonly Note[];
}

/**
 * Asks every distribution, in the registry's order, whose the paths are; the first that claims a path has it. What a
 * distribution leads to (an interpreter behind a link) is asked again, until nothing new comes: leads only ever grow,
 * so this ends.
 */
export async function attribute(
  paths: Iterable<string>,
  root: Root,
  distributions: readonly AnyDistribution[],
  context: TraceContext,
): Promise<Attributed> {
  const owned = new Map<string, Owned>();
  const asked = new Set<string>();
  const described = new Map<string, Pick<Attributed, 'described' | 'cut' | 'notes'>>();
  const failed = new Map<string, Note>();
  let fresh = [...new Set(paths)];
  const { ran } = context;
  const noticed = distributions.filter((one) => ran !== undefined && one.notices?.(ran) === true);
  const unasked = new Set(noticed.map(({ type }) => type as string));
  while (fresh.length > 0 || unasked.size > 0) {
    for (const path of fresh) asked.add(path);
    const asking = distributions.filter(({ type }) => !failed.has(type));
    const changed = await claimAll(fresh, owned, root, asking, context, failed);
    const leads = new Set<string>();
    const given: string[] = [];
    for (const distribution of asking) {
      if (!unasked.delete(distribution.type) && !changed.has(distribution.type)) continue;
      const mine = ownedBy(owned, distribution.type);
      const answer = await netted(distribution, failed, context, async () =>
        distribution.describe(mine, root, context),
      );
      if (answer === undefined) {
        // what it can't describe is the others'
        for (const path of mine.keys()) owned.delete(path);
        described.delete(distribution.type);
        given.push(...mine.keys());
        continue;
      }
      described.set(distribution.type, {
        notes: answer.notes,
        cut: answer.cut ?? new Map(),
        described: answer.distributions.map((one) => ({ ...one, type: distribution.type })),
      });
      for (const lead of answer.leads ?? []) leads.add(lead);
      for (const path of await foundations(answer.distributions, root)) leads.add(path);
    }
    fresh = [...given, ...(await canonicalPaths([...leads], root)).filter((path) => !asked.has(path))];
  }
  // one whose database is broken has nothing to claim; what it says of that is heard all the same
  const unheard: Note[] = [];
  for (const one of distributions.filter(({ type }) => !failed.has(type) && !described.has(type))) {
    const answer = await netted(one, failed, context, async () => one.describe(new Map(), root, context));
    unheard.push(...(answer?.notes ?? []).filter(({ kind }) => kind === 'unreadable'));
  }
  const answers = distributions.flatMap(({ type }) => described.get(type) ?? []);
  const heard = new Set(answers.flatMap((one) => one.notes.map(({ text }) => text)));
  const found = answers.flatMap((one) => one.described);
  return {
    owned,
    described: await Promise.all(found.map(async (one) => withFoundation(one, owned, root))),
    cut: new Map(answers.flatMap(({ cut }) => [...cut])),
    notes: [
      ...answers.flatMap((one) => one.notes),
      ...unheard.filter(({ text }) => !heard.has(text)),
      ...failed.values(),
    ],
  };
}

/**
 * A distribution that breaks down over what it finds (a database from a stranger) costs itself, and nothing else: it is
 * not asked again. What is no matter of its own goes on: an interruption, a full disk, an error that is for people.
 */
async function netted<T>(
  { type, title }: AnyDistribution,
  failed: Map<string, Note>,
  context: TraceContext,
  body: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await body();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const ofTheMachine = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENOMEM', 'EIO'].includes(code);
    if (context.signal.aborted || error instanceof UserError || ofTheMachine) throw error;
    failed.set(type, {
      kind: 'unreadable',
      about: type,
      text: `${title} could not be read, and is left out: ${message}`,
    });
    return undefined;
  }
}

/** The paths on which these stand: as they are named, and where their links end. */
async function foundations(
  described: readonly { readonly standsOn?: string }[],
  root: Root,
): Promise<readonly string[]> {
  const named = described.flatMap(({ standsOn }) => standsOn ?? []);
  const real = await root.realpath(named);
  return [...(await canonicalPaths(named, root)), ...real.filter((path) => path !== undefined)];
}

async function withFoundation(one: Described, owned: ReadonlyMap<string, Owned>, root: Root): Promise<Described> {
  // where the links end comes last and counts: a link may be of one who only points elsewhere
  const owner = (await foundations([one], root))
    .map((path) => owned.get(path))
    .findLast((found) => found !== undefined);
  if (owner === undefined) return one;
  const instance = owner.owners.find((found) => found.instance !== undefined)?.instance;
  return { ...one, foundation: { type: owner.type, ...(instance === undefined ? {} : { instance }) } };
}

/** Each path with the links of its folders resolved, but not the last part: links are things that are owned. */
export async function canonicalPaths(paths: readonly string[], root: Root): Promise<string[]> {
  const folders = [...new Set(paths.map((path) => posix.dirname(path)))];
  const real = await root.realpath(folders);
  const known = new Map(folders.map((folder, index) => [folder, real[index] ?? folder]));
  return paths.map((path) =>
    path === '/' ? path : posix.join(known.get(posix.dirname(path)) ?? '/', posix.basename(path)),
  );
}

async function claimAll(
  paths: readonly string[],
  owned: Map<string, Owned>,
  root: Root,
  distributions: readonly AnyDistribution[],
  context: TraceContext,
  failed: Map<string, Note>,
): Promise<Set<string>> {
  const changed = new Set<string>();
  let left = [...paths].sort(byBytes);
  for (const distribution of distributions) {
    const claimed = await netted(distribution, failed, context, async () => distribution.claim(left, root, context));
    if (claimed === undefined || claimed.size === 0) continue;
    changed.add(distribution.type);
    for (const [path, owners] of claimed) owned.set(path, { type: distribution.type, owners });
    left = left.filter((path) => !claimed.has(path));
  }
  return changed;
}

function ownedBy(owned: ReadonlyMap<string, Owned>, type: string): Map<string, readonly Owner[]> {
  const mine = new Map<string, readonly Owner[]>();
  for (const [path, owner] of owned) if (owner.type === type) mine.set(path, owner.owners);
  return mine;
}
