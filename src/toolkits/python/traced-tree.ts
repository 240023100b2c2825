import { posix } from 'node:path';

import { byBytes, sha256, UserError, type ContentRef } from '../../model/index.ts';
import type { CreateContext, Store } from '../../contract/index.ts';
import { decompressFile } from '../../roots/decompress.ts';
import { readTarFiles } from '../../roots/tar-files.ts';
import { storedTree } from '../trees/compose.ts';
import { formatTree, type TreeEntry } from '../trees/entries.ts';
import { compress, writeTar, type TarMember } from '../trees/tar.ts';
import { layPackages, type LayTarget } from './lay.ts';
import { normalizeName } from './metadata.ts';
import { filesOfWheel, wantedWheels } from './obtain-wheels.ts';
import { parseRecord } from './record.ts';
import { isWheelPackage, type PythonLock, type PythonPackage, type PythonSpec } from './spec.ts';

/** A file about a package that was kept. */
export interface KeptText {
  readonly content: Buffer;
}

/** A traced tree, and what was kept of what its packages say of themselves, by path below its top. */
export interface TracedTree {
  readonly entries: readonly TreeEntry[];
  readonly rest: ContentRef | undefined;
  readonly texts: ReadonlyMap<string, KeptText>;
}

const about = /(?:\.dist-info\/(?:METADATA|RECORD)|\.egg-info(?:\/PKG-INFO)?|\.egg\/EGG-INFO\/PKG-INFO)$/;

/** The tree of a lock, where it was traced at this very path and all of it is at hand. */
export async function tracedTree(
  { path }: PythonSpec,
  held: PythonLock | undefined,
  store: Store,
): Promise<TracedTree | undefined> {
  if (held?.tree === undefined || held.prefix !== path) return undefined;
  const entries = await storedTree(held.tree, store);
  const file = held.rest === undefined ? undefined : await store.find(held.rest.sha256);
  if (entries === undefined || (file === undefined && held.rest !== undefined)) return undefined;
  const texts = new Map<string, KeptText>();
  if (file !== undefined) {
    for await (const { path: at, content } of readTarFiles(decompressFile(file)))
      if (about.test(at)) texts.set(at, { content });
  }
  return { entries, rest: held.rest, texts };
}

/**
 * The tree with other packages: files of those that go are taken out by their RECORD, those that come are laid as an
 * installer does, and everything else stays as it was traced.
 */
export async function changedTree(
  spec: PythonSpec,
  traced: TracedTree,
  rows: { readonly was: readonly PythonPackage[]; readonly is: readonly PythonPackage[] },
  target: LayTarget,
  context: CreateContext,
): Promise<Pick<PythonLock, 'tree' | 'rest' | 'files' | 'size'>> {
  const { store } = context;
  const had = new Map(rows.was.map((one) => [keyOf(one), one]));
  const has = new Set(rows.is.map(keyOf));
  const fresh = rows.is.filter((one) => !had.has(keyOf(one)));
  const gone = filesOf(
    rows.was.filter((one) => !has.has(keyOf(one))),
    rows.was.filter((one) => has.has(keyOf(one))),
    traced,
  );
  const { missing } = await context.fetch(
    await wantedWheels(spec, { packages: fresh } as unknown as PythonLock, context),
  );
  const [first] = missing;
  if (first !== undefined)
    throw new UserError(`${first.what} can be had nowhere`, {
      details: first.tried.map(({ label, because }) => `${label}: ${because}`),
    });

  const staying = withoutEmptied(
    traced.entries.filter(({ path }) => !gone.has(path)),
    gone,
  );
  const known = new Set(staying.map(({ path }) => path));
  const supplied = await suppliedBy(fresh, target, store);
  const { uid = 0, gid = 0 } = traced.entries.find(({ path }) => path === '.') ?? {};
  const coming: TreeEntry[] = [];
  const kept: string[] = [];
  const laid = () => layPackages({ packages: fresh }, target, [], store);
  for await (const { entry } of laid()) {
    if (known.has(entry.path)) continue;
    coming.push({ ...entry, uid, gid });
    if (entry.type === 'file' && !supplied.has(`${entry.path}\0${entry.sha256 ?? ''}`)) kept.push(entry.path);
  }
  const entries = [...staying, ...coming].sort((a, b) => byBytes(a.path, b.path));
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  async function* members(): AsyncGenerator<TarMember> {
    const file = traced.rest === undefined ? undefined : await store.find(traced.rest.sha256);
    if (file !== undefined) {
      for await (const { path, content } of readTarFiles(decompressFile(file))) {
        const entry = byPath.get(path);
        if (known.has(path) && entry?.type === 'file')
          yield { entry: { ...entry, size: content.length }, content: [content] };
      }
    }
    const own = new Set(kept);
    for await (const member of laid()) if (own.has(member.entry.path)) yield member;
  }
  const files = entries.filter(({ type }) => type === 'file');
  return {
    tree: await store.add(formatTree(entries)),
    rest: await store.add(compress(writeTar(members()))),
    files: files.length,
    size: files.reduce((sum, { size = 0 }) => sum + size, 0),
  };
}

function keyOf({ name, version, sha256: digest = '', commit = '', editable = '' }: PythonPackage): string {
  return [normalizeName(name), version, digest, commit, editable].join('\0');
}

/** Paths of packages that go, by their RECORDs; less what others list, too. Throws UserError where one has no RECORD. */
function filesOf(
  going: readonly PythonPackage[],
  staying: readonly PythonPackage[],
  { entries, texts }: TracedTree,
): ReadonlySet<string> {
  const listed = (one: PythonPackage): readonly string[] | undefined => {
    const record = [...texts].find(([path]) => {
      const [, folder] = /(?:^|\/)([^/]+)\.dist-info\/RECORD$/.exec(path) ?? [];
      return folder !== undefined && normalizeName(folder.replace(/-[^-]*$/, '')) === normalizeName(one.name);
    });
    if (record === undefined) return undefined;
    const [path, { content }] = record;
    const site = posix.dirname(posix.dirname(path));
    return parseRecord(content).map((line) => posix.join(site, line.path));
  };
  const gone = new Set<string>();
  for (const one of going) {
    const paths = listed(one);
    if (paths === undefined) {
      throw new UserError(`${one.name} ${one.version} has no list of its files, and cannot be taken away`, {
        status: 4,
        hint: 'change it where it was traced, and trace it again',
      });
    }
    for (const path of paths) gone.add(path);
  }
  for (const one of staying) for (const path of listed(one) ?? []) gone.delete(path);
  for (const { path } of entries) {
    const source = /^(.*\/)?__pycache__\/([^/]+?)\.[^/]*\.pyc$/.exec(path);
    if (source !== null && gone.has(`${source[1] ?? ''}${source[2] ?? ''}.py`)) gone.add(path);
  }
  return gone;
}

/** Folders in which nothing is left go, too. */
function withoutEmptied(entries: readonly TreeEntry[], gone: ReadonlySet<string>): readonly TreeEntry[] {
  const above = (paths: Iterable<string>) => {
    const found = new Set<string>();
    for (const path of paths)
      for (let at = posix.dirname(path); !found.has(at) && at !== '.'; at = posix.dirname(at)) found.add(at);
    return found;
  };
  const emptied = above(gone);
  const filled = above(entries.flatMap(({ path, type }) => (type === 'directory' ? [] : [path])));
  return entries.filter(({ path, type }) => type !== 'directory' || filled.has(path) || !emptied.has(path));
}

/** What the wheels themselves bring, by path and sha256. */
async function suppliedBy(
  packages: readonly PythonPackage[],
  target: LayTarget,
  store: Store,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const one of packages.filter(isWheelPackage)) {
    const file = await store.find(one.sha256);
    if (file === undefined) continue;
    for await (const { path, content } of filesOfWheel(file, one, [target])) found.add(`${path}\0${sha256(content)}`);
  }
  return found;
}
