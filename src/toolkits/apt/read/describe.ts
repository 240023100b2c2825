import { byBytes, isSafeAbsolute, sha256, type ContentRef } from '../../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../../contract/index.ts';
import { leftNotes } from '../../trees/package-changes.ts';
import { isPackageName } from '../names.ts';
import {
  packageKey,
  signers,
  type AptDiversion,
  type AptLock,
  type AptPackage,
  type AptPin,
  type AptSource,
  type AptSpec,
} from '../spec.ts';
import { readAttribution, type Attribution } from './attribution.ts';
import { findChanged } from './changed.ts';
import { findClosure } from './closure.ts';
import { readFacts, type AptFacts } from './facts.ts';
import { lockPackages } from './lock-packages.ts';
import type { NamedSource } from './name-sources.ts';
import { isInForce, pinMeans, readPreferences } from './preferences.ts';
import { readOsRelease } from './release-file.ts';
import { readSums } from './sums.ts';

/** What the owned paths say of a Debian-like system: `used` packages, their closure, and where all of it is had. */
export async function describe(
  type: string,
  title: string,
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<AptSpec, AptLock>> {
  const attribution = await readAttribution(root);
  const { database } = attribution;
  const used = await usedPackages(owned, attribution, root);
  const seeds = context.scope === 'all' ? new Set(database.packages.map(({ key }) => key)) : used;
  if (seeds.size === 0) return { distributions: [], notes: [...attribution.notes] };
  const facts = await readFacts(root, database);
  const closure = findClosure(database, used, context.scope === 'all' ? database.manual : []);
  const why = new Map(closure.packages);
  for (const key of seeds) if (!why.has(key)) why.set(key, 'required');
  const locked = database.packages.filter(({ key }) => why.has(key));
  const sums = await readSums(root, locked);
  const { packages, from, notes } = await lockPackages(root, why, attribution, facts, sums, context);
  const changed = await findChanged(root, locked, owned, attribution, sums, context);
  const preferences = await readPreferences(root);
  const sources = usedSources(facts, from);
  const names = new Set(packages.map(({ name }) => name));
  const relevant = preferences.filter((pin) => concerns(pin, names));
  const { prioritised, pins } = toPriorities(sources, relevant, facts);
  const os = await readOsRelease(root);
  const foreign = database.architectures.slice(1);
  const holds = packages.filter(({ hold }) => hold === true).map((one) => wishName(one, facts.native));
  const origins = Object.fromEntries(
    [...facts.origins.values()]
      .filter(({ key }) => from.has(key))
      .map(({ key, origin }) => [key, origin] as const)
      .sort(([a], [b]) => byBytes(a, b)),
  );
  const alternatives = chosenAlternatives(attribution, why);
  const diversions = standingDiversions(attribution, packages);
  const keys = await keepKeys(prioritised, facts, context);
  const merged = (await root.lstat(['/bin']))[0]?.type !== 'directory';
  const listed = packages.filter((one) => isListed(one, context.scope, closure.leading));

  const spec: AptSpec = {
    type,
    ...(os.id === type ? {} : { vendor: os.id }),
    ...(os.codename === undefined ? {} : { release: os.codename }),
    ...(facts.native === undefined ? {} : { architecture: facts.native }),
    ...(foreign.length === 0 ? {} : { architectures: foreign }),
    ...(prioritised.length === 0 ? {} : { sources: prioritised }),
    packages: listed.map((one) => `${wishName(one, facts.native)}=${one.version}`),
    ...(pins.length === 0 ? {} : { pins }),
    ...(holds.length === 0 ? {} : { holds }),
  };
  const lock: Omit<AptLock, 'of'> = {
    ...(database.architectures.length === 0 ? {} : { architectures: database.architectures }),
    ...(merged ? {} : { unmerged: true }),
    packages,
    ...(Object.keys(origins).length === 0 ? {} : { origins }),
    ...(Object.keys(alternatives).length === 0 ? {} : { alternatives }),
    ...(changed.length === 0 ? {} : { changed }),
    ...(diversions.length === 0 ? {} : { diversions }),
    ...(Object.keys(keys).length === 0 ? {} : { keys }),
    ...(preferences.length === 0 ? {} : { preferences }),
  };
  const count = context.scope === 'all' ? packages.length : used.size;
  const summary = `${count} ${title} package${count === 1 ? '' : 's'}`;
  return {
    distributions: [{ spec, lock, summary }],
    notes: [...attribution.notes, ...facts.notes, ...closure.notes, ...notes, ...leftNotes(changed)],
  };
}

/** A folder that several packages have files in says nothing about which of them was used. */
async function usedPackages(
  owned: ReadonlyMap<string, readonly Owner[]>,
  attribution: Attribution,
  root: Root,
): Promise<Set<string>> {
  const used = new Set<string>();
  const shared: string[] = [];
  for (const [path, owners] of owned) {
    if (owners.length > 1) shared.push(path);
    else if (owners[0] !== undefined) used.add(owners[0].key);
  }
  const files = shared.filter((path) => !attribution.isFolder(path));
  const stats = await root.lstat(files);
  for (const [index, path] of files.entries()) {
    if (stats[index]?.type === 'directory') continue;
    for (const { key } of owned.get(path) ?? []) used.add(key);
  }
  return used;
}

/** What stands above the lock: not what comes along anyway, so that the six that matter are not hidden. */
function isListed(one: AptPackage, scope: TraceContext['scope'], leading: ReadonlySet<string>): boolean {
  if (scope === 'closure' || (scope === 'all' && one.manual === true)) return true;
  return leading.has(packageKey(one));
}

function wishName({ name, architecture }: AptPackage, native: string | undefined): string {
  return architecture === native || architecture === 'all' ? name : `${name}:${architecture}`;
}

/** Those that a locked package comes from, whole: their other suites are part of how the machine was set up. */
function usedSources(facts: AptFacts, from: ReadonlySet<string>): readonly NamedSource[] {
  return facts.sources.filter(({ indices }) => indices.some((index) => from.has(facts.origins.get(index)?.key ?? '')));
}

/** Whether a pin says something of locked packages: it names one, or is general. */
function concerns({ packages }: AptPin, names: ReadonlySet<string>): boolean {
  return packages.split(' ').some((name) => /[*?/[]/.test(name) || names.has(name.replace(/:[a-z0-9-]+$/, '')));
}

/** A pin of all that one source has is that source's priority; every other pin stands by itself. */
function toPriorities(
  sources: readonly NamedSource[],
  preferences: readonly AptPin[],
  facts: AptFacts,
): { prioritised: readonly AptSource[]; pins: readonly AptPin[] } {
  const priorities = new Map<NamedSource, number>();
  const origins = sources.flatMap(({ indices }) => indices).flatMap((index) => facts.origins.get(index)?.origin ?? []);
  const pins = preferences.filter((one) => {
    const { packages, pin, priority } = one;
    // one of a repository that nothing here comes from only hides those that matter; the lock has it
    if (packages !== '*') return isInForce(one, origins);
    const meant = facts.indices.filter((index) => {
      const origin = facts.origins.get(index)?.origin;
      return origin !== undefined && pinMeans(pin, origin);
    });
    const source = sources.find(
      ({ indices }) => indices.length === meant.length && indices.every((one) => meant.includes(one)),
    );
    if (source === undefined || priorities.has(source)) return isInForce(one, origins);
    priorities.set(source, priority);
    return false;
  });
  const prioritised = sources.map((named) => {
    const priority = priorities.get(named);
    return priority === undefined ? named.source : { ...named.source, priority };
  });
  return { prioritised, pins };
}

/** Choices that update-alternatives would not make by itself, where what is chosen belongs to a locked package. */
function chosenAlternatives(attribution: Attribution, locked: ReadonlyMap<string, unknown>): Record<string, string> {
  const chosen = attribution.alternatives.filter(({ name, mode, value, best }) => {
    if (value === undefined || (mode === 'auto' && value === best)) return false;
    if (!isPackageName(name) || !isSafeAbsolute(value)) return false;
    return attribution.ownersOf(value)?.some(({ key }) => locked.has(key)) === true;
  });
  return Object.fromEntries(chosen.map(({ name, value }) => [name, value ?? '']));
}

function standingDiversions(attribution: Attribution, packages: readonly AptPackage[]): AptDiversion[] {
  const names = new Set(packages.map(({ name }) => name));
  return attribution.database.diversions.filter(
    ({ path, to, by }) => isSafeAbsolute(path) && isSafeAbsolute(to) && (by === undefined || names.has(by)),
  );
}

async function keepKeys(
  sources: readonly AptSource[],
  facts: AptFacts,
  context: TraceContext,
): Promise<Record<string, ContentRef>> {
  const keys: Record<string, ContentRef> = {};
  for (const fingerprint of [...new Set(sources.flatMap((source) => signers(source)))].sort(byBytes)) {
    const bytes = facts.keys.byFingerprint(fingerprint)?.bytes;
    if (bytes === undefined) continue;
    keys[fingerprint] = context.keep ? await context.store.add(bytes) : { sha256: sha256(bytes), size: bytes.length };
  }
  return keys;
}
