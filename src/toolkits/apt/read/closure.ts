import { byBytes, type Note } from '../../../model/index.ts';
import { parseRelations, versionFits, type Relation } from '../relations.ts';
import type { Why } from '../spec.ts';
import type { Database, DpkgPackage } from './database.ts';

export interface Closure {
  /** By key, with why it is there; what is used stays `used` whatever else it is. */
  readonly packages: ReadonlyMap<string, Why>;
  /** Those of the used ones that a person would name: neither part of every system, nor needed by others of them. */
  readonly leading: ReadonlySet<string>;
  readonly notes: readonly Note[];
}

/** What a bare system needs besides the essential packages, to be one that packages can be installed on. */
const alwaysThere = ['apt'];

/**
 * The packages that the used ones need, from what is installed: Depends and Pre-Depends, each alternative and virtual
 * package by what satisfies it here; and the essential ones, which nothing depends on because they are always there.
 */
export function findClosure(database: Database, used: Iterable<string>, manual: Iterable<string>): Closure {
  const notes: Note[] = [];
  const packages = new Map<string, Why>();
  const queue: DpkgPackage[] = [];
  const providers = findProviders(database);
  const add = (found: DpkgPackage | undefined, why: Why) => {
    if (found === undefined || packages.has(found.key)) return;
    packages.set(found.key, why);
    queue.push(found);
  };
  const wanted = [...used];
  for (const key of wanted) add(database.byKey.get(key), 'used');
  for (const key of manual) add(database.byKey.get(key), 'manual');
  for (const one of database.packages) if (one.essential) add(one, 'essential');
  for (const name of alwaysThere) for (const one of database.byName.get(name) ?? []) add(one, 'essential');
  const seeds = new Set(packages.keys());
  const needs = new Map<string, string[]>();
  for (let at = 0; at < queue.length; at++) {
    const needing = queue[at] as DpkgPackage;
    for (const field of ['pre-depends', 'depends']) {
      for (const group of parseRelations(needing.fields.get(field) ?? '')) {
        const satisfying = group.flatMap((relation) => satisfiers(relation, needing, database, providers));
        const chosen = satisfying.find(({ key }) => seeds.has(key)) ?? satisfying[0];
        add(chosen, 'required');
        if (chosen !== undefined) listIn(needs, needing.key, chosen.key);
        if (chosen === undefined) notes.push(unsatisfied(needing, group));
      }
    }
  }
  const basic = database.packages.filter(({ essential }) => essential).map(({ key }) => key);
  return { packages, leading: findLeading(wanted, basic, needs), notes };
}

/** Where packages need each other, the first of them by name leads. */
function findLeading(
  used: readonly string[],
  basic: readonly string[],
  needs: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const below = (from: readonly string[]): Set<string> => {
    const found = new Set<string>();
    const queue = [...from];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (const key of needs.get(at) ?? []) {
        if (found.has(key)) continue;
        found.add(key);
        queue.push(key);
      }
    }
    return found;
  };
  const everywhere = new Set([...basic, ...below(basic)]);
  const leading = new Set<string>();
  const needed = new Set<string>();
  for (const key of used.toSorted(byBytes)) {
    if (everywhere.has(key) || needed.has(key)) continue;
    const own = below([key]);
    for (const other of own) {
      needed.add(other);
      if (other !== key) leading.delete(other);
    }
    leading.add(key);
  }
  return leading;
}

function listIn(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

interface Provider {
  readonly by: DpkgPackage;
  readonly version?: string;
}

function findProviders(database: Database): ReadonlyMap<string, readonly Provider[]> {
  const providers = new Map<string, Provider[]>();
  for (const by of database.packages) {
    for (const [relation] of parseRelations(by.fields.get('provides') ?? '')) {
      if (relation === undefined) continue;
      const provider = relation.version === undefined ? { by } : { by, version: relation.version };
      const there = providers.get(relation.name);
      if (there === undefined) providers.set(relation.name, [provider]);
      else there.push(provider);
    }
  }
  return providers;
}

/** Installed packages that satisfy a relation: those of that name first, then those that provide it. */
function satisfiers(
  relation: Relation,
  needing: DpkgPackage,
  database: Database,
  providers: ReadonlyMap<string, readonly Provider[]>,
): DpkgPackage[] {
  const native = database.architectures[0] ?? needing.architecture;
  const real = (database.byName.get(relation.name) ?? []).filter(
    (one) => versionFits(relation, one.version) && architectureFits(relation, one, needing, native),
  );
  const virtual = (providers.get(relation.name) ?? [])
    .filter(({ by, version }) => versionFits(relation, version) && architectureFits(relation, by, needing, native))
    .map(({ by }) => by);
  return [...real, ...virtual];
}

/** Same architecture, but for `Multi-Arch: foreign`, `:any` with `allowed`, and an architecture that is named. */
function architectureFits(relation: Relation, candidate: DpkgPackage, needing: DpkgPackage, native: string): boolean {
  const multi = candidate.fields.get('multi-arch') ?? 'no';
  if (multi === 'foreign') return true;
  const own = candidate.architecture === 'all' ? native : candidate.architecture;
  if (relation.qualifier === 'any') return multi === 'allowed';
  if (relation.qualifier === 'native') return own === native;
  if (relation.qualifier !== undefined) return own === relation.qualifier;
  return own === (needing.architecture === 'all' ? native : needing.architecture);
}

function unsatisfied(needing: DpkgPackage, group: readonly Relation[]): Note {
  const names = group.map(({ name, operator, version }) =>
    operator === undefined ? name : `${name} (${operator} ${version})`,
  );
  return {
    kind: 'warning',
    text: `${needing.name} depends on ${names.join(' or ')}, which is not installed`,
    about: needing.key,
  };
}
