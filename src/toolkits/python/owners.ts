import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Owner, Root } from '../../contract/index.ts';
import type { SitePackage } from './site-package.ts';
import type { Site } from './site.ts';

/** Whose the paths of some sites are. */
export interface SiteOwners {
  /** The packages that have a path, sorted by key; empty where none has. `explained`: none lists it, but it follows from one that is. */
  of(path: string): { readonly packages: readonly SitePackage[]; readonly explained?: string };
  /** The package that lists a path, where it is the only one: what most questions are about. */
  only(path: string): SitePackage | undefined;
}

/** An index over every file of every package. Later questions cost a look-up each. */
export function ownersIn(sites: readonly Site[]): SiteOwners {
  const single = new Map<string, SitePackage>();
  const several = new Map<string, SitePackage[]>();
  const folders = new Map<string, SitePackage>();
  for (const { packages } of sites) {
    for (const one of packages) {
      for (const { path } of one.files) {
        const other = single.get(path);
        if (other === undefined) single.set(path, one);
        else if (other !== one) several.set(path, [...(several.get(path) ?? [other]), one]);
      }
      for (const folder of one.folders) folders.set(folder, one);
    }
  }
  const listed = (path: string): readonly SitePackage[] => {
    const many = several.size === 0 ? undefined : several.get(path);
    if (many !== undefined) return many.toSorted((a, b) => byBytes(a.key, b.key));
    const one = single.get(path) ?? folders.get(path) ?? inFolder(path, folders);
    return one === undefined ? [] : [one];
  };
  return {
    only: (path) => (several.size > 0 && several.has(path) ? undefined : single.get(path)),
    of(path) {
      const packages = listed(path);
      if (packages.length > 0 || !path.endsWith('.pyc')) return { packages };
      const source = sourceOf(path);
      const made = source === undefined ? [] : listed(source);
      return made.length === 0 ? { packages } : { packages: made, explained: 'compiled from its source' };
    },
  };
}

/** The source of a compiled file: `__pycache__/NAME.cpython-311.pyc` beside `NAME.py` (PEP 3147), or `NAME.pyc`. */
function sourceOf(path: string): string | undefined {
  const [, folder, module] =
    /^(.*)\/__pycache__\/([^/]+?)\.(?:cpython|pypy)[^/.]*(?:\.opt-\d)?(?:-pytest-[\d.]+)?\.pyc$/.exec(path) ?? [];
  if (folder !== undefined && module !== undefined) return `${folder}/${module}.py`;
  return path.endsWith('.pyc') && !path.includes('/__pycache__/') ? path.slice(0, -1) : undefined;
}

/** Owners as the contract has them; those of one package are one value. */
export function ownersFor(owners: SiteOwners, instance: string): (path: string) => readonly Owner[] | undefined {
  const known = new Map<SitePackage, readonly Owner[]>();
  let last: { readonly one: SitePackage; readonly own: readonly Owner[] } | undefined;
  const ownOf = (one: SitePackage): readonly Owner[] => {
    if (last?.one === one) return last.own; // neighbours are of one package
    let own = known.get(one);
    if (own === undefined) known.set(one, (own = [{ key: one.key, instance }]));
    last = { one, own };
    return own;
  };
  return (path) => {
    const only = owners.only(path);
    if (only !== undefined) return ownOf(only);
    const { packages, explained } = owners.of(path);
    const [first] = packages;
    if (first === undefined) return undefined;
    if (explained !== undefined || packages.length > 1) {
      return packages.map(({ key }) => ({ key, instance, ...(explained === undefined ? {} : { explained }) }));
    }
    return ownOf(first);
  };
}

/** Every file and link below the folders that belongs to one of these packages, compiled files included. One walk. */
export async function filesOf(
  packages: ReadonlySet<SitePackage>,
  sites: readonly Site[],
  owners: SiteOwners,
  root: Root,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const one of packages) for (const { path } of one.files) found.add(path);
  for await (const { path, type } of root.scan({ below: sites.map((site) => site.path), digests: [] })) {
    if (type === 'directory' || found.has(path)) continue;
    if (owners.of(path).packages.some((one) => packages.has(one))) found.add(path);
  }
  return found;
}

function inFolder(path: string, folders: ReadonlyMap<string, SitePackage>): SitePackage | undefined {
  if (folders.size === 0) return undefined;
  for (let at = posix.dirname(path); at !== '/'; at = posix.dirname(at)) {
    const one = folders.get(at);
    if (one !== undefined) return one;
  }
  return undefined;
}
