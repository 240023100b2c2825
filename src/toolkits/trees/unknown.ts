import { posix } from 'node:path';

import type { Difference } from '../../model/index.ts';
import type { Root, ScanOptions } from '../../contract/index.ts';
import type { TreeEntry } from './entries.ts';

/** Files and links below these folders (absolute) that the list of the tree at `top` does not have. */
export async function findUnknown(
  root: Root,
  top: string,
  entries: readonly TreeEntry[],
  owner: string,
  { below, except }: Required<Pick<ScanOptions, 'below' | 'except'>>,
): Promise<readonly Difference[]> {
  const known = new Set(entries.map(({ path }) => posix.join(top, path)));
  const found: Difference[] = [];
  if (below.length === 0) return found;
  for await (const { path, type } of root.scan({ below, except, digests: [] })) {
    if (type !== 'directory' && !known.has(path)) found.push({ path, kind: 'unknown', owner });
  }
  return found;
}
