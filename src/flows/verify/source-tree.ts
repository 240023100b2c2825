import type { Root } from '../../contract/index.ts';
import { type Difference, type Entry, type VolatileMatcher } from '../../model/index.ts';
import { ownedBy, type Manifest } from '../../roots/manifest.ts';
import type { Touched } from '../change/touched.ts';
import { treeEntries } from '../fingerprint/tree.ts';

/** The tree that a root was made from, beside it. */
export interface Origin {
  /** What is not as it was there. */
  readonly changes: readonly Difference[];
  /** Everything that was there. */
  readonly paths: ReadonlySet<string>;
}

/**
 * What is no longer as in the tree that the root was made from: what packages do not record, too, such as modes,
 * owners, capabilities and generated files. What has come since is not in it.
 */
export async function compareWithSource(
  source: Root,
  tree: ReadonlyMap<string, Entry>,
  {
    volatile,
    manifest,
    touched,
    signal,
  }: {
    readonly volatile: VolatileMatcher;
    readonly manifest: Manifest | undefined;
    /** What was made of paths since, on purpose: it counts instead. */
    readonly touched: Touched;
    readonly signal: AbortSignal;
  },
): Promise<Origin> {
  const changes: Difference[] = [];
  const paths = new Set<string>();
  const compare = (was: Entry) => {
    if (was.type === 'socket' || was.unreadable === true) return;
    paths.add(was.path);
    const is = tree.get(was.path);
    if (is === undefined) changes.push({ path: was.path, kind: 'missing' });
    else changes.push(...compareEntries(was, is));
  };
  for await (const was of treeEntries(source, volatile, { digests: ['sha256'], manifest, signal })) {
    if (!touched.has(was.path)) compare(was);
  }
  for (const entry of touched.values()) {
    if (entry === undefined || volatile.matches(entry.path)) continue;
    compare(manifest === undefined ? entry : ownedBy(manifest, entry));
  }
  return { changes, paths };
}

function compareEntries(was: Entry, is: Entry): readonly Difference[] {
  const path = was.path;
  if (was.type !== is.type) return [{ path, kind: 'type', was: was.type, is: is.type }];
  const found: Difference[] = [];
  const content = ({ sha256, target, device }: Entry) => sha256 ?? target ?? device?.join(',') ?? '';
  if (is.unreadable !== true && content(was) !== content(is)) {
    found.push({ path, kind: 'changed', was: content(was), is: content(is) });
  }
  const mode = (entry: Entry) => entry.mode.toString(8).padStart(4, '0');
  if (was.type !== 'link' && was.mode !== is.mode) found.push({ path, kind: 'mode', was: mode(was), is: mode(is) });
  const owner = (entry: Entry) => `${entry.uid}:${entry.gid}`;
  if (owner(was) !== owner(is)) found.push({ path, kind: 'owner', was: owner(was), is: owner(is) });
  if ((was.capability ?? '') !== (is.capability ?? '')) {
    found.push({ path, kind: 'capability', was: was.capability ?? 'none', is: is.capability ?? 'none' });
  }
  return found;
}
