import type { ContentRef } from '../../model/index.ts';
import type { CreateContext, Obtained, Source, Wanted } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import type { TreeEntry } from '../trees/entries.ts';
import { composeTree, storedTree, type Supply } from '../trees/compose.ts';
import { openIndexes, type Indexes } from './index-page.ts';
import { ownSettings } from './machine.ts';
import { normalizeName } from './metadata.ts';
import { isWheelPackage, type PythonLock, type PythonSpec, type WheelPackage } from './spec.ts';
import { schemeOf } from './keep-packages.ts';
import { installedPaths, openWheelFile, type Scheme } from './wheel.ts';

/** What a bundle must carry, and what indexes have. */
export function contentsOf(lock: PythonLock): { kept: readonly ContentRef[]; archived: readonly ContentRef[] } {
  return {
    kept: [lock.tree, lock.rest].filter((content) => content !== undefined),
    archived: lock.packages.filter(isWheelPackage).map(({ sha256, size }) => ({ sha256, size })),
  };
}

/** The wheels, and where they can be had: the recorded address, this machine's own index, the recorded ones. */
export async function wantedWheels(
  spec: PythonSpec,
  lock: PythonLock,
  context: CreateContext,
): Promise<readonly Wanted[]> {
  const indexes = await indexesFor(spec, context);
  const made = contentsOf(lock).kept.map(({ sha256, size }): Wanted => ({
    sha256,
    size,
    what: `files of ${spec.path}`,
    async *sources() {},
  }));
  return [
    ...made,
    ...lock.packages.filter(isWheelPackage).map((one): Wanted => ({
      sha256: one.sha256,
      size: one.size,
      what: `${one.name} ${one.version}`,
      sources: () => sourcesOf(one, indexes),
    })),
  ];
}

/** This machine's indexes first: recorded addresses are often those of another network. */
export async function indexesFor(spec: PythonSpec, context: CreateContext): Promise<Indexes> {
  await using root = localRoot();
  const own = await ownSettings(root, context);
  return openIndexes([...new Set([...own.indexes, ...(spec.indexes ?? [])])], context.signal);
}

async function* sourcesOf(one: WheelPackage, indexes: Indexes): AsyncGenerator<Source> {
  if (one.url !== undefined && /^https?:/.test(one.url)) yield { kind: 'address', label: one.url, url: one.url };
  const { files } = await indexes.filesOf(normalizeName(one.name));
  for (const { url, sha256 } of files) if (sha256 === one.sha256) yield { kind: 'index', label: url, url };
}

/** The tree that was traced, from its wheels and what they do not bring. */
export async function composeTraced(
  spec: PythonSpec,
  lock: PythonLock & { readonly tree: ContentRef },
  { store }: CreateContext,
): Promise<Obtained & { readonly made: Readonly<Record<string, ContentRef>> }> {
  const none = { from: {}, refused: [], made: {} };
  const tree = await storedTree(lock.tree, store);
  if (tree === undefined) {
    const tried = [{ label: 'the store', because: 'it is not the list of a tree' }];
    return { ...none, missing: [{ what: `the list of files of ${spec.path}`, sha256: lock.tree.sha256, tried }] };
  }
  const schemes = schemesIn(tree);
  const supplies: Supply[] = [];
  for (const one of lock.packages.filter(isWheelPackage)) {
    const file = await store.find(one.sha256);
    if (file !== undefined)
      supplies.push({ what: `${one.name} ${one.version}`, files: () => filesOfWheel(file, one, schemes) });
  }
  const composed = await composeTree(tree, lock.rest, supplies, store);
  if ('archive' in composed) return { ...none, missing: [], made: { tree: composed.archive } };
  const missing = composed.missing.map((path) => ({
    what: `${spec.path}/${path}`,
    sha256: tree.find((entry) => entry.path === path)?.sha256 ?? '',
    tried: [{ label: 'the wheels', because: 'none has it with the recorded content' }],
  }));
  return { ...none, missing };
}

/** What an installation makes of a wheel's own files; scripts as they are in it. One at a time is held. */
export async function* filesOfWheel(
  file: string,
  { name, file: label }: WheelPackage,
  schemes: readonly Scheme[],
): AsyncGenerator<{ readonly path: string; readonly content: Uint8Array }> {
  using wheel = await openWheelFile(file, label);
  for (const member of wheel.members) {
    const content = await wheel.read(member);
    const paths = schemes.flatMap((scheme) => installedPaths(member.name, scheme, name));
    for (const path of new Set(paths)) yield { path, content };
  }
}

/** The folders of packages that are in a tree. */
function schemesIn(tree: readonly TreeEntry[]): Scheme[] {
  const sites = tree.filter(({ path, type }) => type === 'directory' && /(?:^|\/)(?:site|dist)-packages$/.test(path));
  return sites.slice(0, 8).map(({ path }) => schemeOf('/', `/${path}`));
}
