import { posix } from 'node:path';

import { byBytes, keptWithoutSecrets, sha256, type Difference } from '../../model/index.ts';
import type { Checked, Root, Stat } from '../../contract/index.ts';
import { cutContent, type CutOf } from './cut.ts';
import type { TreeEntry } from './entries.ts';

/**
 * The tree at `top` in `root` against what was kept of it: types, modes, links' targets and files' contents. Where only
 * the secrets differ that were cut from what was kept, that is the reason.
 */
export async function checkTree(
  root: Root,
  top: string,
  entries: readonly TreeEntry[],
  owner: string,
  cutOf?: CutOf,
): Promise<Checked> {
  const paths = entries.map((entry) => posix.join(top, entry.path));
  const stats = await root.lstat(paths);
  const files = entries.flatMap((entry, index) =>
    entry.type === 'file' && stats[index]?.type === 'file' ? [paths[index] ?? ''] : [],
  );
  const digests = await root.digest(files, 'sha256');
  const known = new Map(files.map((path, index) => [path, digests[index]]));
  const differing: Difference[] = [];
  const explained: Difference[] = [];
  for (const [index, entry] of entries.entries()) {
    const path = paths[index] ?? '';
    const found = await differs(root, path, entry, stats[index], known.get(path));
    if (found === undefined) continue;
    const isCut = found.kind === 'changed' && (await isButCut(root, path, entry, cutOf?.(entry.path)));
    if (isCut) explained.push({ path, owner, ...found, explained: keptWithoutSecrets });
    else differing.push({ path, owner, ...found });
  }
  const byPath = (a: Difference, b: Difference) => byBytes(a.path, b.path);
  return { checked: entries.length, differing: differing.sort(byPath), explained: explained.sort(byPath) };
}

/** Whether a file is the one that was kept, but for its secrets. */
async function isButCut(root: Root, path: string, entry: TreeEntry, cut: ReturnType<CutOf>): Promise<boolean> {
  if (entry.cut !== true || cut === undefined) return false;
  const content = await root.readFile(path).catch(() => undefined);
  const without = content === undefined ? undefined : cutContent(content, cut);
  return without !== undefined && sha256(without) === entry.sha256;
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
