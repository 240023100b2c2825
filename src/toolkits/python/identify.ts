import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';

import type { Root, TraceContext } from '../../contract/index.ts';
import { digestFile } from '../../archives/store.ts';
import type { Indexes, IndexFile } from './index-page.ts';
import { recordSha256 } from './record.ts';
import { wheelMemory, type Memory, type Remembered } from './remember.ts';
import { remoteZip } from './remote-zip.ts';
import type { SitePackage } from './site-package.ts';
import { compareVersions } from './version.ts';
import { isFileOf, openWheel, parseWheelName, suppliedBy, wheelRecord, type Scheme } from './wheel.ts';

/** The very wheel that a package was installed from. */
export interface Artifact {
  readonly file: string;
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
  /** It was installed from this address, not from an index. */
  readonly direct: boolean;
  /** What it gives the installation, by path below the top. */
  readonly supplied: ReadonlyMap<string, string>;
}

/** More wheels of one version than this are not looked into. */
const mostCandidates = 6;
/** So long indexes are asked in one trace, in milliseconds; what has no answer by then is kept as it is. */
const patience = 180_000;

/**
 * Finds the wheel of each package: the one whose RECORD an index shows to be that of what is installed here. Only its
 * directory and RECORD are read, and remembered. What can't be found for certain is left out.
 */
export async function identifyWheels(
  packages: readonly SitePackage[],
  top: string,
  schemeOf: (one: SitePackage) => Scheme,
  indexes: Indexes,
  context: TraceContext,
): Promise<ReadonlyMap<string, Artifact>> {
  const found = new Map<string, Artifact>();
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(patience)]);
  const memory = wheelMemory(context.store);
  let done = 0;
  const queue = packages.values();
  const worker = async () => {
    for (const one of queue) {
      context.signal.throwIfAborted();
      const artifact = await identifyOne(one, installedBelow(one, top), schemeOf(one), { indexes, memory, signal });
      if (artifact !== undefined) found.set(one.key, artifact);
      done += 1;
      context.onProgress({ step: 'trace', what: 'wheels of packages', done, total: packages.length, unit: 'packages' });
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  context.signal.throwIfAborted();
  return found;
}

interface Means {
  readonly indexes: Indexes;
  readonly memory: Memory;
  readonly signal: AbortSignal;
}

async function identifyOne(
  one: SitePackage,
  installed: ReadonlyMap<string, string>,
  scheme: Scheme,
  means: Means,
): Promise<Artifact | undefined> {
  const { direct } = one;
  if (one.wheel === undefined || direct?.kind === 'vcs' || direct?.kind === 'folder') return undefined;
  const about = [one.key, one.version, scheme, means.indexes.addresses, direct ?? ''];
  const held = await means.memory.recall(installed, about);
  const known = held === undefined ? undefined : suppliedBy(held.record, installed, scheme, one.name);
  if (held !== undefined && known !== undefined) {
    const { record: _, ...rest } = held;
    return { ...rest, supplied: known };
  }
  if (means.signal.aborted) return undefined;
  const candidates = await candidatesFor(one, means.indexes).catch(() => []);
  for (const candidate of candidates.slice(0, mostCandidates)) {
    // what pip was told the hash of has that hash
    if (direct?.sha256 !== undefined && candidate.sha256 !== undefined && candidate.sha256 !== direct.sha256) continue;
    const found = await recordOf(candidate, means.signal);
    const supplied = found === undefined ? undefined : suppliedBy(found.record, installed, scheme, one.name);
    if (found === undefined || supplied === undefined) continue;
    await means.memory.remember(installed, about, found);
    const { record: _, ...rest } = found;
    return { ...rest, supplied };
  }
  return undefined;
}

type Candidate = IndexFile & { readonly direct: boolean };

/** Wheels that may be it, by their names; the likeliest first. */
async function candidatesFor(one: SitePackage, indexes: Indexes): Promise<readonly Candidate[]> {
  const { direct, wheel } = one;
  if (direct?.kind === 'archive' && /^https?:/.test(direct.url)) {
    const file = decodeURIComponent(posix.basename(URL.parse(direct.url)?.pathname ?? ''));
    if (parseWheelName(file) === undefined || direct.sha256 === undefined) return [];
    return [{ file, url: direct.url.replace(/#.*$/, ''), sha256: direct.sha256, direct: true }];
  }
  if (wheel === undefined) return [];
  const { files } = await indexes.filesOf(one.key);
  return files
    .flatMap((candidate) => {
      const name = candidate.sha256 === undefined ? undefined : parseWheelName(candidate.file);
      if (name === undefined || name.name !== one.key || !isFileOf(name, wheel)) return [];
      if (compareVersions(name.version.replaceAll('_', '-'), one.version) !== 0) return [];
      const shared = wheel.tags.filter((tag) => name.tags.has(tag)).length;
      return [{ candidate: { ...candidate, direct: false }, rank: Math.abs(name.tags.size - shared) }];
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ candidate }) => candidate);
}

/** The RECORD of a wheel that an index has; undefined where it can't be had, or is none. */
async function recordOf(
  { sha256, url, file, direct, size }: Candidate,
  signal: AbortSignal,
): Promise<Remembered | undefined> {
  if (sha256 === undefined) return undefined;
  try {
    const source = await remoteZip(url, size, AbortSignal.any([signal, AbortSignal.timeout(20_000)]));
    const wheel = await openWheel(source);
    if (wheel === undefined) return undefined;
    return { file, url, sha256, size: source.size, direct, record: await wheelRecord(wheel) };
  } catch {
    return undefined;
  }
}

/** Path below the top and sha256, of what the package's own RECORD lists. */
function installedBelow({ files }: SitePackage, top: string): ReadonlyMap<string, string> {
  const below = top === '/' ? '/' : `${top}/`;
  const found = new Map<string, string>();
  for (const { path, hash } of files) {
    const sha256 = recordSha256(hash);
    if (sha256 !== undefined && path.startsWith(below)) found.set(path.slice(below.length), sha256);
  }
  return found;
}

/** Wheels that this machine has anyway are put into the store: pip's cache of downloads, folders that it looks into. */
export async function keepWheels(
  artifacts: Iterable<Artifact>,
  folders: { readonly caches: readonly string[]; readonly links: readonly string[] },
  root: Root,
  { store }: TraceContext,
): Promise<void> {
  const { directory } = root;
  if (directory === undefined) return;
  for (const { url, file, sha256, size } of artifacts) {
    if ((await store.find(sha256)) !== undefined) continue;
    const places = [
      ...folders.caches.map((cache) => cachedAt(cache, url)),
      ...folders.links.map((link) => posix.join(link, file)),
    ];
    const stats = await root.lstat(places);
    for (const [index, place] of places.entries()) {
      if (stats[index]?.type !== 'file' || stats[index].size !== size) continue;
      const [real] = await root.realpath([place]);
      if (real === undefined) continue;
      const at = join(directory, real);
      const digest = await digestFile(at).catch(() => undefined);
      if (digest?.digest === sha256) await store.addFile(at);
    }
  }
}

/** Where pip (23.3 and later) keeps the body of what it downloaded from an address (cachecontrol, `SeparateBodyFileCache`). */
function cachedAt(cache: string, url: string): string {
  const name = createHash('sha224').update(url).digest('hex');
  return posix.join(cache, 'http-v2', ...name.slice(0, 5).split(''), `${name}.body`);
}
