import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { byBytes, type Entry, type VolatileMatcher } from '../../model/index.ts';
import { ownedBy, type Manifest } from '../../roots/manifest.ts';

export interface TreeOptions {
  readonly digests: readonly ('sha256' | 'md5')[];
  readonly manifest: Manifest | undefined;
  readonly signal: AbortSignal | undefined;
  /** Not entered and not counted, beside what is volatile. */
  readonly except?: readonly string[];
  /** Also the volatile ones that were seen on the way: all but what lies in `volatile.except`. */
  readonly all?: boolean;
}

/** Every entry of a root that is not volatile, in byte order of paths, with the owners that count. */
export async function* treeEntries(root: Root, volatile: VolatileMatcher, options: TreeOptions): AsyncIterable<Entry> {
  const { digests, manifest, signal } = options;
  const owned = (entry: Entry) => (manifest === undefined ? entry : ownedBy(manifest, entry));
  const alone = await lookAlone(root, volatile);
  for await (const entry of root.scan({
    except: [...volatile.except, ...(options.except ?? [])],
    digests,
    ...(signal === undefined ? {} : { signal }),
  })) {
    while (alone.length > 0 && byBytes(alone[0]?.path ?? '', entry.path) < 0) yield owned(alone.shift() as Entry);
    if (options.all === true || !volatile.matches(entry.path)) yield owned(entry);
  }
  for (const entry of alone) yield owned(entry);
}

/** The folders whose content is volatile: they are not entered, but they count. Sorted. */
async function lookAlone(root: Root, volatile: VolatileMatcher): Promise<Entry[]> {
  const paths = volatile.alone.filter((path) => !volatile.matches(path)).toSorted(byBytes);
  const stats = await root.lstat(paths);
  const parents = await root.realpath(paths.map((path) => posix.dirname(path)));
  const entries: Entry[] = [];
  for (const [index, path] of paths.entries()) {
    const stat = stats[index];
    // behind a link it is another path's, and counts there
    if (stat === undefined || parents[index] !== posix.dirname(path)) continue;
    const { type, mode, uid, gid } = stat;
    const entry = { path, type, mode, uid, gid };
    if (type === 'link') entries.push({ ...entry, target: await root.readlink(path) });
    else if (type === 'file') entries.push(...(await Array.fromAsync(root.scan({ below: [path] }))));
    else entries.push(entry);
  }
  return entries;
}
