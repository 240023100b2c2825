import { posix } from 'node:path';

import { byBytes, sha256, UserError, type ContentRef } from '../../../model/index.ts';
import type { Context } from '../../../contract/index.ts';
import type { TreeEntry } from '../../../toolkits/trees/entries.ts';
import { compress, writeTar, type TarMember } from '../../../toolkits/trees/tar.ts';
import { openArtifact, type ArtifactInfo } from '../artifact/read.ts';
import { isBelow } from '../record.ts';
import type { CondaPackage } from '../spec.ts';
import { recordPath } from '../tree.ts';
import { moveRest, pathsGone } from './move.ts';
import { orderPackages } from './order.ts';
import { entryPoint, placeOf, type PrefixPython } from './place.ts';
import { formatHistory, formatRecord, type Linked } from './record.ts';
import { replacePrefix } from './replace.ts';

/** A prefix to be laid: packages whose artifacts are in the store, and what is known of the prefix that was traced. */
export interface Lay {
  readonly prefix: string;
  readonly packages: readonly CondaPackage[];
  /** Where Python keeps packages, where that is known and not customary. */
  readonly site?: string | undefined;
  /** What lay at another path: only files of it are laid, and what no artifact brings comes from `rest`. */
  readonly was?: {
    readonly prefix: string;
    readonly tree: readonly TreeEntry[];
    readonly rest: ContentRef | undefined;
  };
}

interface Opened {
  readonly row: CondaPackage;
  readonly file: string;
  readonly info: ArtifactInfo;
  readonly name: string;
  readonly depends: readonly string[];
}

/** Of what has no time of its own: zip archives know none before. */
const fixedTime = 315_532_800;

/**
 * Links packages into a prefix as conda does, into one tar (zstd) in the store: places, prefixes in files, commands,
 * records. The same packages at the same path are the same bytes. Scripts of packages (post-link) do not run.
 */
export async function layPrefix(lay: Lay, { store, signal }: Context): Promise<ContentRef> {
  const opened = orderPackages(await openAll(lay.packages, { store }));
  const python = pythonOf(lay, opened);
  const owners = ownersOf(opened, python);
  const kept = lay.was === undefined ? undefined : new Map(lay.was.tree.map((entry) => [entry.path, entry]));
  const made = new Set<string>();
  // a record that was kept names digests that are right at its own path only
  const stays = (record: string) => lay.was?.prefix === lay.prefix && kept?.has(record) === true;
  const anew = new Set(opened.map(({ row }) => recordPath(row)).filter((record) => !stays(record)));
  const locked = new Set(lay.packages.map(recordPath));
  const gone =
    lay.was === undefined
      ? new Set<string>()
      : await pathsGone(lay.was.tree, lay.was.rest, (one) => locked.has(recordPath(one)), store);

  const commands = lay.was === undefined ? new Map<string, string>() : commandsOf(opened, lay.was.prefix, python);

  async function* members(): AsyncGenerator<TarMember> {
    const written = new Set<string>();
    const folders = function* (path: string): Generator<TarMember> {
      const missing: string[] = [];
      for (let at = posix.dirname(path); at !== '.' && !written.has(at); at = posix.dirname(at)) missing.push(at);
      for (const folder of missing.reverse()) {
        written.add(folder);
        const own = kept?.get(folder);
        yield { entry: own?.type === 'directory' ? own : { ...root, path: folder } };
      }
    };
    const top = kept?.get('.');
    yield { entry: top ?? { ...root, path: '.' } };
    for (const path of emptyFolders(lay.was?.tree ?? [])) yield* folders(`${path}/x`);
    if (lay.was !== undefined) {
      const moved = moveRest(
        {
          ...lay.was,
          from: lay.was.prefix,
          to: lay.prefix,
          skips: (path) =>
            anew.has(path) || gone.has(path) || (commands.has(path) && commands.get(path) === kept?.get(path)?.sha256),
        },
        store,
      );
      for await (const member of moved) {
        made.add(member.path);
        yield* folders(member.path);
        yield member;
      }
      for (const entry of lay.was.tree) {
        if (entry.type !== 'link' || gone.has(entry.path)) continue;
        made.add(entry.path);
        yield* folders(entry.path);
        yield { entry: { ...entry, target: moveTarget(entry.target ?? '', lay.was.prefix, lay.prefix) } };
      }
    }
    for (const one of opened) {
      signal.throwIfAborted();
      // a file of a package that lay there may have been taken away by hand
      const layThere = kept?.has(recordPath(one.row)) === true;
      for await (const member of linkOne(one, lay, python, (path) => owners.get(path) === one.name)) {
        const { path } = member.entry;
        if (made.has(path) || (layThere && !kept.has(path))) continue;
        made.add(path);
        yield* folders(path);
        const own = gone.has(path) ? undefined : kept?.get(path);
        const { entry } = member;
        yield own === undefined || own.type !== entry.type
          ? member
          : { ...member, entry: { ...entry, mode: own.mode, uid: own.uid, gid: own.gid, mtime: own.mtime } };
      }
    }
    if (!made.has('conda-meta/history')) {
      yield* folders('conda-meta/history');
      yield memberOf('conda-meta/history', formatHistory(lay.packages), 0o644);
    }
  }
  return await store.add(compress(writeTar(members())));
}

const root = { type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0 } as const;

async function openAll(
  packages: readonly CondaPackage[],
  { store }: Pick<Context, 'store'>,
): Promise<readonly Opened[]> {
  const opened: Opened[] = [];
  for (const row of packages) {
    if (row.sha256 === undefined || row.repacked === true) continue;
    const what = `${row.name} ${row.version}`;
    const file = await store.find(row.sha256);
    if (file === undefined) throw new UserError(`${what} is not in the store`);
    using artifact = openArtifact(file, what);
    const info = await artifact.info();
    if (info.name !== row.name || info.version !== row.version || info.build !== row.build) {
      throw new UserError(`${what}: its artifact is of ${info.name} ${info.version} ${info.build}`, { status: 2 });
    }
    const depends = info.index['depends'];
    const needs = Array.isArray(depends) ? depends.filter((one) => typeof one === 'string') : [];
    opened.push({ row, file, info, name: row.name, depends: needs });
  }
  return opened;
}

function pythonOf({ packages, site }: Lay, opened: readonly Opened[]): PrefixPython | undefined {
  const row = packages.find(({ name }) => name === 'python');
  if (row === undefined) return undefined;
  const place = opened.find(({ name }) => name === 'python')?.info.index['python_site_packages_path'] ?? site;
  return { version: row.version, ...(typeof place === 'string' && isBelow(place) ? { sitePackages: place } : {}) };
}

/** Whose each path is: of several, the one that is linked last. */
function ownersOf(opened: readonly Opened[], python: PrefixPython | undefined): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { name, info } of opened) {
    for (const { path } of info.paths) owners.set(placeOf(path, info.noarch, python), name);
    for (const point of info.entryPoints) {
      const made = python === undefined ? undefined : entryPoint(point, '/', python);
      if (made !== undefined) owners.set(made.path, name);
    }
  }
  return owners;
}

/** The files of one package, and its record at the end. */
async function* linkOne(
  { row, file, info }: Opened,
  { prefix }: Lay,
  python: PrefixPython | undefined,
  owns: (path: string) => boolean,
): AsyncGenerator<TarMember> {
  const what = `${row.name} ${row.version}`;
  if (info.noarch === 'python' && python === undefined) {
    throw new UserError(`${what} needs a Python, and the conda prefix ${prefix} has none`, {
      status: 2,
      hint: 'add "python" to its packages',
    });
  }
  const known = new Map(info.paths.map((one) => [one.path, one]));
  const linked: Linked[] = [];
  using artifact = openArtifact(file, what);
  for await (const packed of artifact.payload()) {
    const path = placeOf(packed.path, info.noarch, python);
    if (packed.type === 'directory') continue;
    const said = known.get(packed.path);
    const common = { path, mode: packed.mode, uid: 0, gid: 0, mtime: packed.mtime };
    if (packed.type === 'link') {
      linked.push({ path, type: 'link', ...(said?.sha256 === undefined ? {} : { sha256: said.sha256 }) });
      if (owns(path)) yield { entry: { ...common, type: 'link', mode: 0o777, target: packed.target ?? '' } };
      continue;
    }
    const plain = packed.content ?? Buffer.alloc(0);
    const content = linkContent(plain, said, prefix, `${what}: ${path}`);
    linked.push({
      path,
      type: 'file',
      sha256: sha256(plain),
      sha256InPrefix: content === plain ? sha256(plain) : sha256(content),
      size: content.length,
      ...(said?.placeholder === undefined ? {} : { placeholder: said.placeholder, replace: said.replace ?? 'text' }),
    });
    if (owns(path)) yield { entry: { ...common, type: 'file', size: content.length }, content: [content] };
  }
  for (const point of info.entryPoints) {
    const made = python === undefined ? undefined : entryPoint(point, prefix, python);
    if (made === undefined) continue;
    const digest = sha256(made.content);
    linked.push({
      path: made.path,
      type: 'entry point',
      sha256: digest,
      sha256InPrefix: digest,
      size: made.content.length,
    });
    if (owns(made.path)) yield memberOf(made.path, made.content, 0o775);
  }
  linked.sort((a, b) => byBytes(a.path, b.path));
  yield memberOf(recordPath(row), formatRecord(row, info.index, linked), 0o644);
}

function linkContent(
  content: Buffer,
  said: Pick<Linked, 'placeholder' | 'replace'> | undefined,
  prefix: string,
  what: string,
): Buffer {
  if (said?.placeholder === undefined) return content;
  const linked = replacePrefix(content, said.placeholder, prefix, said.replace ?? 'text');
  if (linked !== undefined) return linked;
  throw new UserError(`${what} has no room for the path ${prefix}`, {
    hint: `choose a path of at most ${said.placeholder.length} bytes`,
  });
}

function memberOf(path: string, content: Buffer, mode: number): TarMember {
  return {
    entry: { path, type: 'file', mode, uid: 0, gid: 0, mtime: fixedTime, size: content.length },
    content: [content],
  };
}

function moveTarget(target: string, from: string, to: string): string {
  return target === from || target.startsWith(`${from}/`) ? `${to}${target.slice(from.length)}` : target;
}

/** Folders that have nothing in them; those of others come with what is in them. */
function emptyFolders(tree: readonly TreeEntry[]): readonly string[] {
  const full = new Set<string>();
  for (const { path } of tree) full.add(posix.dirname(path));
  return tree.flatMap(({ path, type }) => (type === 'directory' && !full.has(path) ? [path] : []));
}

/** The commands of pure packages as they were made for another prefix, by path: their sha256. */
function commandsOf(
  opened: readonly Opened[],
  prefix: string,
  python: PrefixPython | undefined,
): ReadonlyMap<string, string> {
  const made = opened.flatMap(({ info }) =>
    info.entryPoints.flatMap((point) => (python === undefined ? [] : (entryPoint(point, prefix, python) ?? []))),
  );
  return new Map(made.map(({ path, content }) => [path, sha256(content)]));
}
