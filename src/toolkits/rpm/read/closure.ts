import type { Note } from '../../../model/index.ts';
import { tags } from '../header.ts';
import type { Why } from '../spec.ts';
import { parseEvr, satisfies } from '../version.ts';
import type { Attribution } from './attribution.ts';
import type { RpmPackage } from './package.ts';

/** Names that every root needs, where they are installed; and files of what else it can't do without. */
const essential: readonly string[] = ['filesystem', 'setup', 'basesystem'];
const essentialFiles: readonly string[] = [
  '/etc/os-release',
  '/usr/lib/os-release',
  '/etc/passwd',
  '/usr/bin/sh',
  '/usr/bin/bash',
  '/usr/bin/ls',
  '/usr/bin/rpm',
  '/usr/sbin/ldconfig',
];

/** Senses of a dependency (rpm's lib/rpmds.h). */
const senses = { less: 2, greater: 4, equal: 8, rpmlib: 1 << 24 } as const;

interface Provided {
  readonly by: RpmPackage;
  readonly version: string;
}

/** The packages that were used and all that they need, each with the first reason found. */
export function findClosure(
  attribution: Attribution,
  used: ReadonlySet<string>,
  manual: Iterable<string>,
): { readonly packages: ReadonlyMap<string, Why>; readonly notes: readonly Note[] } {
  const { database } = attribution;
  const provided = indexProvides(database.packages);
  const why = new Map<string, Why>();
  const notes: Note[] = [];
  const visit = (start: Iterable<string>, reason: Why) => {
    const open: string[] = [];
    for (const key of start) {
      if (why.has(key)) continue;
      why.set(key, reason);
      open.push(key);
    }
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      const one = database.byKey.get(key);
      if (one === undefined) continue;
      for (const needed of requirements(one, provided, attribution, why)) {
        if (why.has(needed)) continue;
        why.set(needed, reason === 'essential' ? 'essential' : 'required');
        open.push(needed);
      }
    }
  };
  visit(used, 'used');
  visit(manual, 'manual');
  const needed = essentialFiles.flatMap((path) => attribution.ownersOf(path)?.[0]?.key ?? []);
  visit(
    [...database.packages.filter(({ name }) => essential.includes(name)).map(({ key }) => key), ...needed],
    'essential',
  );
  return { packages: why, notes };
}

function indexProvides(packages: readonly RpmPackage[]): Map<string, Provided[]> {
  const index = new Map<string, Provided[]>();
  for (const one of packages) {
    const names = one.header.texts(tags.provides);
    const versions = one.header.texts(tags.provideVersions);
    for (const [at, name] of names.entries()) {
      const there = index.get(name);
      const entry = { by: one, version: versions[at] ?? '' };
      if (there === undefined) index.set(name, [entry]);
      else there.push(entry);
    }
  }
  return index;
}

function requirements(
  { header }: RpmPackage,
  provided: ReadonlyMap<string, readonly Provided[]>,
  attribution: Attribution,
  chosen: ReadonlyMap<string, Why>,
): string[] {
  const names = header.texts(tags.requires);
  const versions = header.texts(tags.requireVersions);
  const flags = header.numbers(tags.requireFlags);
  return names.flatMap((name, index): string[] => {
    const flag = flags[index] ?? 0;
    if ((flag & senses.rpmlib) !== 0 || name.startsWith('rpmlib(')) return [];
    // of a boolean dependency, whatever of it is here (rpm's docs/manual/boolean_dependencies.md)
    if (name.startsWith('(')) return richNames(name).flatMap((part) => pick(provided.get(part) ?? [], chosen));
    const wanted = versions[index] ?? '';
    const fit = (provided.get(name) ?? []).filter(({ version }) => fits(version, flag, wanted));
    if (fit.length === 0 && name.startsWith('/')) {
      return (attribution.ownersOf(attribution.canonical(name)) ?? []).slice(0, 1).map(({ key }) => key);
    }
    return pick(fit, chosen);
  });
}

/** One that is there anyway, else the first. */
function pick(fit: readonly Provided[], chosen: ReadonlyMap<string, Why>): string[] {
  const one = fit.find(({ by }) => chosen.has(by.key)) ?? fit[0];
  return one === undefined ? [] : [one.by.key];
}

function fits(version: string, flag: number, wanted: string): boolean {
  const relation = `${(flag & senses.less) === 0 ? '' : '<'}${(flag & senses.greater) === 0 ? '' : '>'}${(flag & senses.equal) === 0 ? '' : '='}`;
  if (relation === '' || wanted === '' || version === '') return true;
  return satisfies(parseEvr(version), relation, parseEvr(wanted));
}

function richNames(text: string): string[] {
  const words = text.replaceAll(/[()](?=\s|$|\()|^\(+|(?<=\s)\(+/g, ' ').split(/\s+/);
  return words
    .filter((word) => word !== '' && !/^(?:and|or|if|else|with|without|unless|[<>=]+)$/.test(word))
    .slice(0, 100);
}
