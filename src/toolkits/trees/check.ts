import { posix } from 'node:path';

import { byBytes, type Difference } from '../../model/index.ts';
import type { Checked, Root, Stat } from '../../contract/index.ts';
import type { TreeEntry } from './entries.ts';

/** The tree at `top` in `root` against what was kept of it: types, modes, links' targets and files' contents. */
export async function checkTree(
  root: Root,
  top: string,
  entries: readonly TreeEntry[],
  owner: string,
): Promise<Checked> {
  const paths = entries.map((entry) => posix.join(top, entry.path));
  const stats = await root.lstat(paths);
  const files = entries.flatMap((entry, index) =>
    entry.type === 'file' && stats[index]?.type === 'file' ? [paths[index] ?? ''] : [],
  );
  const digests = await root.digest(files, 'sha256');
  const known = new Map(files.map((path, index) => [path, digests[index]]));
  const differing: Difference[] = [];
  for (const [index, entry] of entries.entries()) {
    const path = paths[index] ?? '';
    const found = await differs(root, path, entry, stats[index], known.get(path));
    if (found !== undefined) differing.push({ path, owner, ...found });
  }
  return { checked: entries.length, differing: differing.sort((a, b) => byBytes(a.path, b.path)), explained: [] };
}

async function differs(
  root: Root,
  path: string,
  entry: TreeEntry,
  stat: Stat | undefined,
  digest: string | undefined,
): Promise<Omit<Difference, 'path'> | undefined> {
  if (stat === undefined) return { kind: 'missing' };
  if (stat.type !== entry.type) return { kind: 'type', was: entry.type, is: stat.type };
  if (entry.type === 'link') {
    const target = await root.readlink(path).catch(() => undefined);
    return target === entry.target ? undefined : { kind: 'changed', was: entry.target ?? '', is: target ?? '' };
  }
  if (entry.type === 'file') {
    if (digest === undefined) return { kind: 'unreadable' };
    if (digest !== entry.sha256) return { kind: 'changed', was: `sha256:${entry.sha256}`, is: `sha256:${digest}` };
  }
  if (stat.mode !== entry.mode) return { kind: 'mode', was: octal(entry.mode), is: octal(stat.mode) };
  return undefined;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
