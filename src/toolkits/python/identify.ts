import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';

import type { Root, TraceContext } from '../../contract/index.ts';
import { digestFile } from '../../archives/store.ts';
import type { Indexes, IndexFile } from './index-page.ts';
import { recordSha256, type RecordEntry } from './record.ts';
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

/**
 * Finds the wheel of each package: the one whose RECORD an index shows to be that of what is installed here. Only its
 * directory and RECORD are read. What can't be found for certain is left out.
 */
export async function identifyWheels(
  packages: readonly SitePackage[],
  top: string,
  schemeOf: (one: SitePackage) => Scheme,
  indexes: Indexes,
  context: TraceContext,
): Promise<ReadonlyMap<string, Artifact>> {
  const found = new Map<string, Artifact>();
  let done = 0;
  const queue = packages.values();
  const worker = async () => {
    for (const one of queue) {
      context.signal.throwIfAborted();
      const artifact = await identifyOne(one, top, schemeOf(one), indexes, context);
      if (artifact !== undefined) found.set(one.key, artifact);
      done += 1;
      context.onProgress({ step: 'trace', what: 'wheels of packages', done, total: packages.length, unit: 'packages' });
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return found;
}

async function identifyOne(
  one: SitePackage,
  top: string,
  scheme: Scheme,
  indexes: Indexes,
  context: TraceContext,
): Promise<Artifact | undefined> {
  const { direct } = one;
  if (one.wheel === undefined || direct?.kind === 'vcs' || direct?.kind === 'folder') return undefined;
  const installed = installedBelow(one, top);
  const candidates = await candidatesFor(one, indexes);
  for (const candidate of candidates.slice(0, mostCandidates)) {
    // what pip was told the hash of has that hash
    if (direct?.sha256 !== undefined && candidate.sha256 !== undefined && candidate.sha256 !== direct.sha256) continue;
    const artifact = await compare(candidate, one, installed, scheme, context);
    if (artifact !== undefined) return artifact;
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

async function compare(
  candidate: Candidate,
  one: SitePackage,
  installed: ReadonlyMap<string, string>,
  scheme: Scheme,
  context: TraceContext,
): Promise<Artifact | undefined> {
  const { sha256, url, file, direct } = candidate;
  if (sha256 === undefined) return undefined;
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(20_000)]);
    const source = await remoteZip(url, candidate.size, signal);
    const wheel = await openWheel(source);
    const record: readonly RecordEntry[] = wheel === undefined ? [] : await wheelRecord(wheel);
    const supplied = suppliedBy(record, installed, scheme, one.name);
    return supplied === undefined ? undefined : { file, url, sha256, size: source.size, direct, supplied };
  } catch {
    // it can't be had, or is none: then the files themselves are kept
    context.signal.throwIfAborted();
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
