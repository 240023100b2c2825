import { isSafeAbsolute, type Note } from '../../../model/index.ts';
import type { Owner, Root } from '../../../contract/index.ts';
import { tags } from '../header.ts';
import { readAlternatives, type Alternative } from './alternatives.ts';
import { readDatabase, type RpmDatabase } from './database.ts';
import { findGenerated, type Generated } from './generated.ts';
import { fileStates, pathsOf } from './package.ts';

/** Who owns what in one root. */
export interface Attribution {
  readonly database: RpmDatabase;
  readonly alternatives: readonly Alternative[];
  /** The owners of a path whose folder is canonical; undefined where it is nobody's. Sorted by key. */
  ownersOf(path: string): readonly Owner[] | undefined;
  /** Whether a path that is in no package holds what only this machine makes; see GeneratedRule. */
  isKept(path: string): boolean;
  /** The canonical path of one that a header has. */
  canonical(path: string): string;
  readonly notes: readonly Note[];
}

const cache = new WeakMap<RpmDatabase, Promise<Attribution>>();

/** The index of a root's packages, made once for each state of the database. */
export async function readAttribution(root: Root): Promise<Attribution> {
  const database = await readDatabase(root);
  const held = cache.get(database);
  if (held !== undefined) return held;
  const made = build(root, database);
  cache.set(database, made);
  return made;
}

async function build(root: Root, database: RpmDatabase): Promise<Attribution> {
  const { packages } = database;
  const listed = packages.map(pathsOf);
  const folders = await canonicalFolders(root, new Set(listed.flatMap(({ folders: names }) => names)));
  const owned = ownersByFolder();
  for (const [position, { folders: names, indexes, names: files }] of listed.entries()) {
    const one = packages[position];
    if (one === undefined) continue;
    const alone: readonly Owner[] = [{ key: one.key }];
    const states = one.header.bytes(tags.fileStates);
    const places = names.map((name) => {
      const place = folders.get(name);
      return place === undefined ? undefined : owned.within(place);
    });
    for (let index = 0; index < files.length; index++) {
      const place = places[indexes[index] ?? -1];
      const state = states?.[index];
      // another package's file is there in its place
      if (place === undefined || state === fileStates.replaced || state === fileStates.wrongColour) continue;
      const name = files[index] ?? '';
      const there = place.get(name);
      if (there === undefined) place.set(name, alone);
      else if (there !== alone && there.at(-1) !== alone[0]) place.set(name, [...there, ...alone]);
    }
  }
  const canonical = (path: string) => {
    const slash = path.lastIndexOf('/') + 1;
    const folder = folders.get(path.slice(0, slash));
    return folder === undefined ? path : folder + path.slice(slash);
  };
  const alternatives = packages.length === 0 ? [] : await readAlternatives(root);
  for (const { name, links, target } of alternatives) {
    const owners = owned.get(canonical(target));
    if (owners === undefined) continue;
    const explained = `the choice of alternatives for ${name}`;
    const chosen = owners.map(({ key }) => ({ key, explained }));
    for (const link of links) if (owned.get(canonical(link)) === undefined) owned.set(canonical(link), chosen);
  }
  const generated: Generated = findGenerated(database, (path) => owned.get(path));
  const find = (path: string) => owned.get(path) ?? generated.ownersOf(path);
  return {
    database,
    alternatives,
    ownersOf(path) {
      const owners = find(path);
      if (owners !== undefined) return owners;
      // asked by a name that is not canonical after all?
      const other = canonical(path);
      return other === path ? undefined : find(other);
    },
    isKept: (path) => owned.get(path) === undefined && generated.isKept(path),
    canonical,
    notes: database.notes,
  };
}

/** Owners by path, in two steps: paths of a hundred thousand files would have to be put together and hashed. */
function ownersByFolder() {
  const folders = new Map<string, Map<string, readonly Owner[]>>();
  let last: { readonly folder: string; readonly names: Map<string, readonly Owner[]> | undefined } | undefined;
  return {
    /** The files of a folder, which ends in `/`. */
    within(folder: string): Map<string, readonly Owner[]> {
      let names = folders.get(folder);
      if (names === undefined) folders.set(folder, (names = new Map()));
      return names;
    },
    get(path: string): readonly Owner[] | undefined {
      const slash = path.lastIndexOf('/') + 1;
      if (last?.folder.length !== slash || !path.startsWith(last.folder)) {
        const folder = path.slice(0, slash);
        last = { folder, names: folders.get(folder) };
      }
      return last.names?.get(path.slice(slash));
    },
    set(path: string, owners: readonly Owner[]): void {
      const slash = path.lastIndexOf('/') + 1;
      this.within(path.slice(0, slash)).set(path.slice(slash), owners);
      last = undefined;
    },
  };
}

/** Each folder of the headers (`/bin/`) to where it is (`/usr/bin/`); those that are not safe are left out. */
async function canonicalFolders(root: Root, names: ReadonlySet<string>): Promise<Map<string, string>> {
  const safe = [...names].filter((name) => name === '/' || (name.endsWith('/') && isSafeAbsolute(name.slice(0, -1))));
  safe.push(...['/bin/', '/sbin/', '/lib/', '/lib64/'].filter((name) => !names.has(name)));
  safe.sort((a, b) => a.length - b.length);
  const real = await root.realpath(safe.map((name) => (name === '/' ? name : name.slice(0, -1))));
  const found = new Map<string, string>();
  for (const [index, name] of safe.entries()) {
    const path = real[index];
    if (path !== undefined) found.set(name, path === '/' ? '/' : `${path}/`);
    else {
      // a folder that is not there is where its parent is
      const slash = name.lastIndexOf('/', name.length - 2) + 1;
      const parent = found.get(name.slice(0, slash));
      found.set(name, parent === undefined ? name : parent + name.slice(slash));
    }
  }
  return found;
}
