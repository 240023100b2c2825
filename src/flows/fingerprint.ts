import {
  UserError,
  volatileMatcher,
  volatilePaths,
  type Entry,
  type Fingerprint,
  type OnProgress,
  type Spec,
  type VolatilePath,
} from '../model/index.ts';
import { pluginFor } from './nested.ts';
import type { AnyDistribution, Root } from '../contract/index.ts';
import { readManifest, type Manifest } from '../roots/manifest.ts';
import { entryHasher } from './fingerprint/hash.ts';
import { treeEntries } from './fingerprint/tree.ts';

export interface FingerprintOptions {
  /** What the distributions leave out; the general list (`volatilePaths`) always counts. */
  readonly volatile?: readonly VolatilePath[];
  /** The file of the rootfs that says who owns what, where that can't be seen. */
  readonly manifest?: string;
  readonly signal?: AbortSignal;
  /** Folders that are left out, whatever is in them: what is mounted from elsewhere. */
  readonly except?: readonly string[];
  readonly onProgress?: OnProgress;
}

/**
 * The fingerprint of a root: a hash over path, type, mode, uid, gid, content or link target, device number and file
 * capabilities of all that is not volatile, in byte order of paths. Neither times nor hard links count, nor sockets,
 * which no archive carries. Throws UserError where something can't be read: a fingerprint is of everything.
 */
export async function fingerprintOf(root: Root, options: FingerprintOptions = {}): Promise<Fingerprint> {
  const matcher = volatileMatcher([...volatilePaths, ...(options.volatile ?? [])]);
  const manifest = options.manifest === undefined ? undefined : await readManifest(options.manifest);
  const { signal, except = [], onProgress } = options;
  const entries = treeEntries(root, matcher, { manifest, signal, except, digests: ['sha256'] });
  return await fingerprintOfEntries(
    onProgress === undefined ? entries : told(entries, onProgress),
    root.label,
    manifest,
  );
}

/** The same entries; how many there were so far is told now and then. */
async function* told(entries: AsyncIterable<Entry>, onProgress: OnProgress): AsyncIterable<Entry> {
  let done = 0;
  for await (const entry of entries) {
    done += 1;
    if (done % 256 === 1) onProgress({ step: 'look', what: entry.path, done, unit: 'files' });
    yield entry;
  }
}

/** The same, of entries that were scanned already (`treeEntries`). */
export async function fingerprintOfEntries(
  entries: AsyncIterable<Entry> | Iterable<Entry>,
  label: string,
  manifest: Manifest | undefined,
): Promise<Fingerprint> {
  const hasher = entryHasher();
  const unreadable: string[] = [];
  for await (const entry of entries) {
    if (entry.unreadable === true) unreadable.push(entry.path);
    hasher.add(entry);
  }
  if (unreadable.length > 0) {
    throw new UserError(
      `no fingerprint of ${label}: ${unreadable.length} of its files cannot be read, the first is ${unreadable[0]}`,
      {
        hint: 'ask as root, or as the user who made it',
        status: 4,
        details: unreadable,
      },
    );
  }
  return { digest: hasher.digest(), entries: hasher.count(), owners: manifest === undefined ? 'visible' : 'manifest' };
}

/**
 * All that the distributions of a spec leave out, each with its reason. Without a spec: what those leave out that may
 * have laid the root.
 */
export function volatileOf(spec: Spec | undefined, distributions: readonly AnyDistribution[]): readonly VolatilePath[] {
  const alone = distributions.filter(({ bootstrap }) => bootstrap !== undefined).map(({ type }) => ({ type }));
  return (spec?.distributions ?? alone).flatMap((entry) => {
    const plugin = pluginFor(entry, distributions);
    return plugin?.volatile?.(entry) ?? [];
  });
}
