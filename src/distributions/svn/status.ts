import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import type { Root, Stat } from '../../contract/index.ts';
import type { Node, WorkingCopy } from './database.ts';
import { isTranslated, toNormalForm } from './translate.ts';

/** Versioned paths that `svn status` would list, below the top, in order; without those that are not versioned. */
export async function changedPaths(root: Root, top: string, { nodes }: WorkingCopy): Promise<readonly string[]> {
  const stats = await root.lstat(nodes.map(({ path }) => posix.join(top, path)));
  const changed: string[] = [];
  for (const [index, node] of nodes.entries()) {
    if (node.altered || (await isChanged(root, posix.join(top, node.path), node, stats[index])))
      changed.push(node.path);
  }
  return changed;
}

async function isChanged(root: Root, path: string, node: Node, stat: Stat | undefined): Promise<boolean> {
  if (stat === undefined) return true;
  if (node.kind === 'dir') return stat.type !== 'directory';
  if (node.properties.has('svn:special')) {
    const target = await root.readlink(path).catch(() => undefined);
    return target === undefined || sha1Of(Buffer.from(`link ${target}`)) !== node.sha1;
  }
  if (stat.type !== 'file') return true;
  // as svn itself: a file that has the size and the time that it had when it was last compared is the same
  if (stat.size === node.size && Math.abs(stat.mtimeMs * 1000 - (node.time ?? 0)) < 2) return false;
  const bytes = await root.readFile(path).catch(() => undefined);
  if (bytes === undefined) return true;
  const text = isTranslated(node.properties) ? toNormalForm(bytes, node.properties) : bytes;
  return sha1Of(text) !== node.sha1;
}

function sha1Of(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}
