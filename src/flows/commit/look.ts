import { type Entry, type VolatileMatcher } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { ownedBy, type Manifest } from '../../roots/manifest.ts';
import type { Touched } from '../change/touched.ts';
import { treeEntries } from '../fingerprint/tree.ts';

/** What was done to a tree: each path as it is now, or undefined where it was taken away. */
export interface Changes {
  readonly before: ReadonlyMap<string, Entry>;
  readonly after: ReadonlyMap<string, Entry>;
  /** Sorted. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

export interface LookOptions {
  readonly volatile: VolatileMatcher;
  readonly manifest: Manifest | undefined;
  /** What was made of the origin's paths on purpose: it counts instead. */
  readonly touched?: Touched;
  readonly signal: AbortSignal;
}

/** Compares two trees path by path: type, content, mode, owner and capabilities; what is volatile is left out. */
export async function lookForChanges(origin: Root, now: Root, options: LookOptions): Promise<Changes> {
  const { manifest, touched = new Map<string, Entry | undefined>(), volatile } = options;
  const before = await treeOf(origin, options);
  for (const [path, entry] of touched) {
    if (volatile.matches(path)) continue;
    if (entry === undefined) before.delete(path);
    else before.set(path, manifest === undefined ? entry : ownedBy(manifest, entry));
  }
  const after = await treeOf(now, options);
  const added: string[] = [];
  const changed: string[] = [];
  for (const [path, is] of after) {
    const was = before.get(path);
    if (was === undefined) added.push(path);
    else if (factsOf(was) !== factsOf(is)) changed.push(path);
  }
  const removed = [...before.keys()].filter((path) => !after.has(path));
  return { before, after, added, changed, removed };
}

/** What two entries have in common that are the same. */
function factsOf({ type, mode, uid, gid, sha256, target, device, capability }: Entry): string {
  return [type, type === 'link' ? '' : mode, uid, gid, sha256, target, device, capability].join('\0');
}

async function treeOf(root: Root, { volatile, manifest, signal }: LookOptions): Promise<Map<string, Entry>> {
  const tree = new Map<string, Entry>();
  for await (const entry of treeEntries(root, volatile, { digests: ['sha256'], manifest, signal })) {
    if (entry.type !== 'socket') tree.set(entry.path, entry);
  }
  return tree;
}
