import type { ContentRef } from '../../model/index.ts';
import type { CreateContext, Obtained, Store } from '../../contract/index.ts';
import { composeTree, storedTree, type Supply } from '../../toolkits/trees/compose.ts';
import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import { layTree } from './lay.ts';
import type { NpmLock, NpmPackage, NpmSpec } from './spec.ts';
import { readTarball, unpackTarball } from './tarball.ts';

type Prepared = Obtained & { readonly made: Readonly<Record<string, ContentRef>> };

/** Puts the tree together again, of tarballs and what was kept; one that was never traced is laid by us. */
export async function prepare(spec: NpmSpec, lock: NpmLock, { store }: CreateContext): Promise<Prepared> {
  const nothing = { from: {}, refused: [], missing: [] };
  const unknown = lock.tree === undefined ? lock.packages.filter(isUnknown) : [];
  if (unknown.length > 0) {
    const missing = unknown.map(({ name, version }) => ({ what: `${name} ${version}`, sha256: '', tried: [] }));
    return { ...nothing, missing, made: {} };
  }
  const tree = await treeOf(spec, lock, store);
  if (tree === undefined) {
    const sha256 = lock.tree?.sha256 ?? '';
    return { ...nothing, missing: [{ what: `the list of files of ${spec.path}`, sha256, tried: [] }], made: {} };
  }
  const composed = await composeTree(tree.entries, tree.rest, suppliesOf(lock, store), store);
  if ('archive' in composed) return { ...nothing, made: { tree: composed.archive } };
  const files = new Map(tree.entries.map((entry) => [entry.path, entry]));
  const missing = composed.missing.map((path) => ({
    what: `${path} in ${spec.path}, which ${ownerOf(path, lock)} should bring`,
    sha256: files.get(path)?.sha256 ?? '',
    tried: [],
  }));
  return { ...nothing, missing, made: {} };
}

/** Nothing says what it is by its content: it was looked at only. */
function isUnknown({ sha256, link, bundled }: NpmPackage): boolean {
  return sha256 === undefined && link === undefined && bundled !== true;
}

/** The list of all files, and the content that no tarball has; undefined where the list can't be had. */
export async function treeOf(
  spec: NpmSpec,
  lock: NpmLock,
  store: Store,
): Promise<{ readonly entries: readonly TreeEntry[]; readonly rest: ContentRef | undefined } | undefined> {
  if (lock.tree === undefined) return await layTree(spec, lock, store);
  const entries = await storedTree(lock.tree, store);
  return entries === undefined ? undefined : { entries, rest: lock.rest };
}

function* suppliesOf({ packages }: NpmLock, store: Store): Generator<Supply> {
  for (const row of packages) {
    const { sha256, name, version, path } = row;
    if (sha256 === undefined) continue;
    const what = `${name} ${version}`;
    yield {
      what,
      async *files() {
        for await (const file of unpackTarball(await readTarball(row, store), what)) {
          yield { path: `${path}/${file.path}`, content: file.content };
        }
      },
    };
  }
}

function ownerOf(path: string, { packages }: NpmLock): string {
  const inside = packages.filter((row) => path.startsWith(`${row.path}/`));
  const longest = inside.toSorted((a, b) => b.path.length - a.path.length)[0];
  return longest === undefined ? 'what was kept' : `${longest.name} ${longest.version}`;
}
