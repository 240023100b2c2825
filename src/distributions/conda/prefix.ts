import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Context, Owner, Root } from '../../contract/index.ts';
import { readActivation } from './activation.ts';
import { parseHistory } from './history.ts';
import { readPipPackages, type PipPackage } from './pip.ts';
import { parseRecord, type CondaRecord } from './record.ts';

/** A conda prefix as its own database has it. */
export interface CondaPrefix {
  readonly top: string;
  /** Sorted by name. */
  readonly records: readonly CondaRecord[];
  /** What was asked for, by name. */
  readonly asked: ReadonlyMap<string, string>;
  /** What pip put there. Sorted by name. */
  readonly pip: readonly PipPackage[];
  /** Whose each path is, as packages name them: absolute, owners sorted. */
  readonly owners: ReadonlyMap<string, readonly Owner[]>;
  /** Records that could not be read, and why. */
  readonly broken: readonly { readonly path: string; readonly because: string }[];
  /** Records that somebody has edited: what they say of themselves is not what their file is called. By name. */
  readonly edited: ReadonlySet<string>;
  /** Where its Python keeps packages, below the prefix, where that is not the customary place. */
  readonly site?: string;
  /** Its own variables; those that look like secrets by name only. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  /** What a shell would source, below the prefix. */
  readonly scripts: readonly string[];
}

/** What makes a folder in a prefix somebody else's: a work tree, a virtual environment. */
export const foreignMarks: readonly string[] = ['.git', 'pyvenv.cfg'];

/** Larger records are not read. */
const largestRecord = 128 * 1024 * 1024;
const mostRecords = 20_000;

interface Known {
  readonly context: Context;
  readonly prefixes: Map<string, Promise<CondaPrefix>>;
  readonly read: Map<string, CondaPrefix>;
  /** The innermost prefix that a folder is in; null where there is none. */
  readonly folders: Map<string, string | null>;
  /** By prefix, where a spec says so: everything that has to be in it. */
  readonly expected: Map<string, ReadonlySet<string>>;
}

const knownOf = new WeakMap<Root, Known>();

/** Prefixes that have been read, by their path. */
export function readPrefixes(root: Root, context: Context): ReadonlyMap<string, CondaPrefix> {
  return knownIn(root, context).read;
}

/** The prefix at `top`, read once for each context. */
export async function prefixAt(root: Root, top: string, context: Context): Promise<CondaPrefix> {
  const { prefixes, read } = knownIn(root, context);
  let prefix = prefixes.get(top);
  if (prefix === undefined) prefixes.set(top, (prefix = readPrefix(root, top)));
  const done = await prefix;
  read.set(top, done);
  return done;
}

/**
 * Says what a spec has in a prefix beside its packages, by path below it: from then on, what is neither is nobody's.
 * While tracing, there is no such list, and everything below a prefix belongs to it.
 */
export function expectIn(root: Root, top: string, paths: ReadonlySet<string>, context: Context): void {
  knownIn(root, context).expected.set(top, paths);
}

/** What `expectIn` said. */
export function expectedIn(root: Root, top: string, context: Context): ReadonlySet<string> | undefined {
  return knownIn(root, context).expected.get(top);
}

/**
 * The innermost prefix of each folder: the nearest one at or above it that has `conda-meta`. Asked in one go, and
 * remembered.
 */
export async function prefixesOf(
  folders: Iterable<string>,
  root: Root,
  context: Context,
): Promise<(folder: string) => string | undefined> {
  const known = knownIn(root, context).folders;
  const fresh = new Set<string>();
  for (const folder of folders) {
    for (let at = folder; !known.has(at) && !fresh.has(at); at = posix.dirname(at)) fresh.add(at);
  }
  const sorted = [...fresh].sort(byBytes); // an outer folder comes before an inner one
  const marks = ['conda-meta', ...foreignMarks];
  const stats = await root.lstat(sorted.flatMap((folder) => marks.map((mark) => posix.join(folder, mark))));
  for (const [index, folder] of sorted.entries()) {
    const [meta, ...foreign] = stats.slice(index * marks.length, (index + 1) * marks.length);
    if (folder === '/') known.set(folder, null);
    else if (meta?.type === 'directory') known.set(folder, folder);
    else if (foreign.some((stat) => stat !== undefined)) known.set(folder, null);
    else known.set(folder, known.get(posix.dirname(folder)) ?? null);
  }
  return (folder) => known.get(folder) ?? undefined;
}

/** The prefix as it lies there now; what can't be read of it is in `broken`. Never throws. */
export async function readPrefix(root: Root, top: string): Promise<CondaPrefix> {
  const meta = posix.join(top, 'conda-meta');
  const listed = await root.readdir(meta).catch(() => []);
  const names = listed
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .sort(byBytes)
    .slice(0, mostRecords);
  const records: CondaRecord[] = [];
  const broken: { path: string; because: string }[] = [];
  const edited = new Set<string>();
  for (const name of names) {
    const path = posix.join(meta, name);
    const bytes = await root.readFile(path, largestRecord).catch(() => undefined);
    const record = bytes === undefined ? undefined : parseRecord(bytes);
    if (record === undefined) {
      broken.push({ path, because: bytes === undefined ? 'it can not be read' : 'it is no record of a package' });
      continue;
    }
    if (records.some((one) => one.name === record.name)) {
      broken.push({ path, because: `there is another record of ${record.name}` });
      continue;
    }
    records.push(record);
    if (isEdited(record, name)) edited.add(record.name);
  }
  records.sort((a, b) => byBytes(a.name, b.name));
  const history = await root.readFile(posix.join(meta, 'history'), largestRecord).catch(() => undefined);
  const owners = ownersOf(top, records);
  const pip = await readPipPackages(root, top, records, (path) => owners.has(`${top}/${path}`));
  for (const { key, paths } of pip) {
    const own = [{ key, instance: top }];
    for (const path of paths) if (!owners.has(`${top}/${path}`)) owners.set(`${top}/${path}`, own);
  }
  const site = records.find(({ name }) => name === 'python')?.sitePackages;
  return {
    top,
    records,
    asked: parseHistory(history?.toString('utf8') ?? ''),
    pip,
    owners,
    broken,
    edited,
    ...(site === undefined ? {} : { site }),
    ...(await readActivation(root, top)),
  };
}

function ownersOf(top: string, records: readonly CondaRecord[]): Map<string, readonly Owner[]> {
  const owners = new Map<string, readonly Owner[]>();
  for (const { name, version, build, paths } of records) {
    const alone: readonly Owner[] = [{ key: name, instance: top }];
    for (const { path } of paths) {
      const at = `${top}/${path}`;
      const others = owners.get(at);
      // records come sorted by name
      if (others === undefined) owners.set(at, alone);
      else if (others !== alone && others.at(-1)?.key !== name) owners.set(at, [...others, ...alone]);
    }
    owners.set(`${top}/conda-meta/${name}-${version}-${build}.json`, alone);
  }
  return owners;
}

/** Installers name a record and its artifact for what is in them. */
function isEdited({ name, version, build, file, url, channel, subdir }: CondaRecord, record: string): boolean {
  const stem = `${name}-${version}-${build}`;
  if (record !== `${stem}.json`) return true;
  if (file !== undefined && file.replace(/\.(?:conda|tar\.bz2)$/, '') !== stem) return true;
  if (url === undefined) return false;
  const [end, folder] = url.split('/').reverse();
  if (end !== undefined && file !== undefined && /\.(?:conda|tar\.bz2)$/.test(file) && end !== file) return true;
  return channel !== undefined && subdir !== undefined && folder !== undefined && folder !== subdir;
}

function knownIn(root: Root, context: Context): Known {
  let known = knownOf.get(root);
  if (known === undefined || known.context !== context) {
    known = { context, prefixes: new Map(), read: new Map(), folders: new Map(), expected: new Map() };
    knownOf.set(root, known);
  }
  return known;
}
