import { isSafeAbsolute, type Note } from '../../../model/index.ts';
import type { Owner, Root } from '../../../contract/index.ts';
import { readAlternatives, type Alternative } from './alternatives.ts';
import { readDatabase, type Database, type DpkgPackage } from './database.ts';
import { resolveFolders, type Folder } from './folders.ts';
import { findGenerated } from './generated.ts';
import { readFolder, toText } from './reader.ts';

/** Who owns what in one root. */
export interface Attribution {
  readonly database: Database;
  readonly alternatives: readonly Alternative[];
  /** The owners of a path whose folder is canonical; undefined where it is nobody's. Sorted by key. */
  ownersOf(path: string): readonly Owner[] | undefined;
  /** Whether a path that is not in any list holds what only this machine makes; see GeneratedRule. */
  isKept(path: string): boolean;
  /** Whether entries of lists lie below this path. */
  isFolder(path: string): boolean;
  /** The entries of a package's list, in its order. */
  entriesOf(key: string): readonly Listed[];
  readonly notes: readonly Note[];
}

/** One line of a package's list. */
export interface Listed {
  /** As the list has it. */
  readonly listed: string;
  /** Where it is: canonical, and diverted where it is. */
  readonly path: string;
  /** Whether entries of lists lie below it. */
  readonly folder: boolean;
}

const cache = new WeakMap<Database, Promise<Attribution>>();

/** The index of a root's dpkg lists, made once for each state of the database. */
export async function readAttribution(root: Root): Promise<Attribution> {
  const database = await readDatabase(root);
  const held = cache.get(database);
  if (held !== undefined) return held;
  const made = build(root, database);
  cache.set(database, made);
  return made;
}

interface Lists {
  /** Names as in the lists, all packages one after the other. */
  readonly lines: string[];
  readonly folders: Folder[];
  readonly byName: Map<string, Folder>;
  /** Where each package's lines begin; one more than there are packages. */
  readonly starts: number[];
  readonly notes: Note[];
}

async function build(root: Root, database: Database): Promise<Attribution> {
  const lists = await readLists(root, database.packages);
  // names by which files are asked for, whether or not a list has them
  for (const name of ['', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']) folderOf(lists, name);
  await resolveFolders(lists.byName, root);
  const canonical = (path: string) => {
    const slash = path.lastIndexOf('/');
    const name = path.slice(0, slash);
    const folder = canonicalFolder(lists.byName, name);
    return folder === undefined || folder === name ? path : folder + path.slice(slash);
  };
  const divert = diverter(database, canonical);
  const folders = new Set([...lists.byName.values()].map(({ canonical: path }) => path));
  const positions = new Map(database.packages.map(({ key }, index) => [key, index]));
  const owned = new Map<string, Owner[]>();
  const shared = new Set<Owner[]>();
  for (const [index, { key, name }] of database.packages.entries()) {
    const alone: Owner[] = [{ key }];
    for (let at = lists.starts[index] ?? 0; at < (lists.starts[index + 1] ?? 0); at++) {
      const path = divert?.(lists.lines[at] ?? '', name) ?? canonicalOf(lists, at);
      const there = owned.get(path);
      if (there === undefined) owned.set(path, alone);
      else if (shared.has(there)) {
        if (there.at(-1) !== alone[0]) there.push(...alone);
      } else if (there !== alone) {
        const both = [...there, ...alone];
        shared.add(both);
        owned.set(path, both);
      }
    }
  }
  const alternatives = await readAlternatives(root);
  claimAlternatives(owned, alternatives, canonical);
  const generated = await findGenerated(root, database, (path) => owned.get(path));
  // a link in the place of a folder (/lib on a merged /usr) is the base system's, not everybody's who has files behind it
  const base = database.packages.find(({ name }) => name === 'base-files')?.key;
  const isAlias = (path: string) => (lists.byName.get(path)?.canonical ?? path) !== path;
  const find = (path: string) => {
    const owners = owned.get(path) ?? generated.ownersOf(path);
    if (owners === undefined || owners.length < 2 || base === undefined || !isAlias(path)) return owners;
    return [{ key: base, explained: 'a link in the place of a folder' }];
  };
  return {
    database,
    alternatives,
    ownersOf: (path) => {
      const owners = find(path);
      if (owners !== undefined) return owners;
      // asked by a name that is not canonical after all?
      const other = canonical(path);
      return other === path ? undefined : find(other);
    },
    isKept: (path) => !owned.has(path) && generated.isKept(path),
    isFolder: (path) => folders.has(path),
    entriesOf: (key) => {
      const index = positions.get(key);
      if (index === undefined) return [];
      const name = database.packages[index]?.name ?? '';
      const found: Listed[] = [];
      for (let at = lists.starts[index] ?? 0; at < (lists.starts[index + 1] ?? 0); at++) {
        const listed = lists.lines[at] ?? '';
        const path = divert?.(listed, name) ?? canonicalOf(lists, at);
        found.push({ listed, path, folder: lists.byName.has(listed) || folders.has(path) });
      }
      return found;
    },
    notes: [...database.notes, ...lists.notes],
  };
}

async function readLists(root: Root, packages: readonly DpkgPackage[]): Promise<Lists> {
  const lists: Lists = { lines: [], folders: [], byName: new Map(), starts: [], notes: [] };
  const texts = await readListTexts(root, packages, lists.notes);
  let last = '\0';
  let folder: Folder = { canonical: '' };
  for (const text of texts) {
    lists.starts.push(lists.lines.length);
    for (let at = 0; at < text.length;) {
      const found = text.indexOf('\n', at);
      const end = found === -1 ? text.length : found;
      const line = text.slice(at, end);
      at = end + 1;
      if (line.charCodeAt(0) !== 47 || line === '/.' || (line.includes('/..') && !isSafeAbsolute(line))) continue;
      const name = line.slice(0, line.lastIndexOf('/'));
      if (name !== last) {
        folder = folderOf(lists, name);
        last = name;
      }
      lists.lines.push(line);
      lists.folders.push(folder);
    }
  }
  lists.starts.push(lists.lines.length);
  return lists;
}

/** `.list` of dpkg; where there is none (distroless), the names in `.md5sums`. */
async function readListTexts(root: Root, packages: readonly DpkgPackage[], notes: Note[]): Promise<string[]> {
  const folder = packages[0]?.info.folder ?? '';
  const dpkg = packages.filter(({ info }) => info.folder === folder);
  const reads = new Map<DpkgPackage, string>();
  const groups = [dpkg, packages.filter(({ info }) => info.folder !== folder)];
  for (const group of groups) {
    const where = group[0]?.info.folder;
    if (where === undefined) continue;
    const lists = await readFolder(
      root,
      where,
      group.map(({ info }) => `${info.base}.list`),
    );
    for (const [index, one] of group.entries()) {
      const read = lists[index];
      if (read !== undefined && 'content' in read) {
        const text = toText(read.content);
        reads.set(one, text);
        if (!text.startsWith('/') || !text.endsWith('\n'))
          notes.push(brokenList(`${where}/${one.info.base}.list`, one));
      } else if (where.endsWith('status.d')) reads.set(one, await namesInSums(root, one));
      else {
        const code = read?.code ?? 'ENOENT';
        notes.push({ kind: 'unreadable', text: `the list of files of ${one.name} (${code})`, about: one.key });
      }
    }
  }
  return packages.map((one) => reads.get(one) ?? '');
}

/** dpkg writes one path a line, `/.` first (deb-md5sums(5) is the other list); more or less than that is not whole. */
function brokenList(path: string, { name, key }: DpkgPackage): Note {
  return { kind: 'unreadable', text: `the list of files of ${name} is broken: ${path}`, path, about: key };
}

async function namesInSums(root: Root, { info }: DpkgPackage): Promise<string> {
  const [sums] = await readFolder(root, info.folder, [`${info.base}.md5sums`]);
  const text = sums !== undefined && 'content' in sums ? toText(sums.content) : '';
  return text.replaceAll(/^[0-9a-f]{32} [ *](?:\.?\/)?/gm, '/');
}

function folderOf(lists: Lists, name: string): Folder {
  let folder = lists.byName.get(name);
  if (folder === undefined) {
    folder = { canonical: name };
    lists.byName.set(name, folder);
  }
  return folder;
}

function canonicalOf(lists: Lists, at: number): string {
  const line = lists.lines[at] ?? '';
  const folder = lists.folders[at]?.canonical ?? '';
  const slash = line.lastIndexOf('/');
  // most folders are their own canonical name: no new string for them
  return folder.length === slash && line.startsWith(folder) ? line : folder + line.slice(slash);
}

/** A folder's canonical name from what the lists have taught: itself, or its first part's with the rest. */
function canonicalFolder(folders: ReadonlyMap<string, Folder>, name: string): string | undefined {
  const known = folders.get(name)?.canonical;
  if (known !== undefined) return known;
  const slash = name.indexOf('/', 1);
  const first = slash === -1 ? undefined : folders.get(name.slice(0, slash))?.canonical;
  return first === undefined ? undefined : first + name.slice(slash);
}

/** Where a package's file is, if another one has diverted it; dpkg compares names as they are in the lists. */
function diverter(
  database: Database,
  canonical: (path: string) => string,
): ((listed: string, name: string) => string | undefined) | undefined {
  if (database.diversions.length === 0) return undefined;
  const byPath = new Map(database.diversions.map((diversion) => [diversion.path, diversion]));
  return (listed, name) => {
    const diversion = byPath.get(listed);
    return diversion === undefined || diversion.by === name ? undefined : canonical(diversion.to);
  };
}

/** A link that update-alternatives made is of the package whose program it leads to. */
function claimAlternatives(
  owned: Map<string, Owner[]>,
  alternatives: readonly Alternative[],
  canonical: (path: string) => string,
): void {
  for (const { name, links } of alternatives) {
    for (const { path, via, target } of links) {
      const owners = owned.get(canonical(target));
      if (owners === undefined) continue;
      const explained = `the choice of update-alternatives for ${name}`;
      const chosen = owners.map(({ key }) => ({ key, explained }));
      for (const link of [canonical(path), via]) if (!owned.has(link)) owned.set(link, chosen);
    }
  }
}
