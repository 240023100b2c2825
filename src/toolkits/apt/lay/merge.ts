import { UserError } from '../../../model/index.ts';
import { parseParagraphs, type Stanza } from '../deb822.ts';
import { parseRelations, versionFits } from '../relations.ts';
import type { DebFile, Payload, SpecialDirectory } from './payload.ts';

/** A package that is laid: its payload, and the fields of its control file. */
export interface Laid {
  readonly deb: DebFile;
  readonly payload: Payload;
  readonly fields: Stanza;
  /** Its control file as it is. */
  readonly control: string;
}

/** How the packages' trees go into one. */
export interface Merged {
  /** Links that must be there before anything is unpacked: other packages go through them. */
  readonly links: readonly (readonly [path: string, target: string])[];
  /** Folders with an owner or mode of their own; the first package's counts. */
  readonly directories: readonly SpecialDirectory[];
  /** By index of the package: paths that it does not write, because another's file stands there. */
  readonly skip: readonly ReadonlySet<string>[];
}

/** Reads a package's control file, and checks that it is the package that was asked for. */
export function readControl(deb: DebFile, payload: Payload): Laid {
  const control = payload.control.find(({ name }) => name === 'control')?.content.toString('utf8') ?? '';
  const [paragraph, ...more] = [...parseParagraphs(control)];
  const what = `${deb.name} ${deb.version}`;
  if (paragraph === undefined || paragraph.broken !== undefined || more.length > 0) {
    throw new UserError(`${what}: its control file is broken`);
  }
  const { fields } = paragraph;
  for (const [field, wanted] of [
    ['package', deb.name],
    ['version', deb.version],
    ['architecture', deb.architecture],
  ] as const) {
    if (fields.get(field) !== wanted) {
      throw new UserError(`${what}: refused: its control file says ${field} ${fields.get(field) ?? '(nothing)'}`, {
        hint: 'the lock and the package do not belong together',
      });
    }
  }
  return { deb, payload, fields, control };
}

/** The top-level folders of these packages that are links into /usr where /usr is merged: `/lib` to `usr/lib`. */
export function aliasesOf(packages: readonly Laid[]): ReadonlyMap<string, string> {
  const names = new Set(['bin', 'sbin', 'lib']);
  for (const { payload } of packages) {
    for (const entry of payload.entries) {
      const name = /^[dl]\/(lib[a-z0-9]{1,4})$/.exec(entry)?.[1];
      if (name !== undefined && /^lib(?:32|64|x32|o32)$/.test(name)) names.add(name);
    }
  }
  return new Map([...names].sort().map((name) => [`/${name}`, `usr/${name}`]));
}

/**
 * Decides, before anything is written, what stands where several packages have something: a file of the package that
 * replaces the other (Policy §7.6), else the later one's; a link where others see a folder. `aliases` are top-level
 * folders that are links (merged /usr).
 */
export function merge(packages: readonly Laid[], aliases: ReadonlyMap<string, string>): Merged {
  const at = new Map<string, number>();
  const folders = new Set<string>();
  const links = new Map<string, string>([...aliases].map(([from, to]) => [from, to]));
  const special = new Map<string, SpecialDirectory>();
  const skip = packages.map(() => new Set<string>());
  const linked: [string, string][] = [];
  packages.forEach(({ payload }, index) => {
    for (const entry of payload.entries) {
      const path = entry.slice(1);
      if (aliases.has(path)) continue; // whatever a package has there, it is the link
      const canonical = throughAliases(path, aliases);
      if (entry.startsWith('d')) {
        folders.add(canonical);
        continue;
      }
      if (entry.startsWith('l')) linked.push([canonical, payload.links[path] ?? '']);
      const before = at.get(canonical);
      if (before !== undefined && replaces(packages[before], packages[index])) {
        skip[index]?.add(path);
        continue;
      }
      if (before !== undefined) {
        for (const spelling of spellings(canonical, aliases)) skip[before]?.add(spelling);
      }
      at.set(canonical, index);
    }
    for (const directory of payload.directories) {
      const path = throughAliases(directory.path, aliases);
      if (path !== '/' && !special.has(path)) special.set(path, { ...directory, path });
    }
  });
  for (const [path, target] of linked) if (folders.has(path) && !links.has(path)) links.set(path, target);
  return {
    links: [...links],
    directories: [...special.values()].filter(({ path }) => !links.has(path)),
    skip,
  };
}

/** Whether the earlier of two packages keeps a path that both have: it replaces the later one. */
function replaces(earlier: Laid | undefined, later: Laid | undefined): boolean {
  if (earlier === undefined || later === undefined) return false;
  if (earlier.deb.name === later.deb.name) return true; // two architectures of one package share the file
  const field = earlier.fields.get('replaces');
  if (field === undefined) return false;
  return parseRelations(field)
    .flat()
    .some((relation) => relation.name === later.deb.name && versionFits(relation, later.deb.version));
}

function throughAliases(path: string, aliases: ReadonlyMap<string, string>): string {
  const slash = path.indexOf('/', 1);
  const target = aliases.get(slash < 0 ? path : path.slice(0, slash));
  return target === undefined ? path : `/${target}${slash < 0 ? '' : path.slice(slash)}`;
}

/** The canonical path, and the names that it has through aliases. */
function spellings(canonical: string, aliases: ReadonlyMap<string, string>): string[] {
  const found = [canonical];
  for (const [from, to] of aliases) {
    if (canonical.startsWith(`/${to}/`)) found.push(from + canonical.slice(to.length + 1));
  }
  return found;
}
