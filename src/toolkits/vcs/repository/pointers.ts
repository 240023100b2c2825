import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import type { Root } from '../../../contract/index.ts';
import { runGit, type GitPlace } from '../git.ts';
import { parsePointer, type Pointer } from '../pointer.ts';
import type { ObjectReader } from '../read-objects.ts';
import type { WorkTree } from '../worktree.ts';

/** A tracked file for which git has a pointer only. */
export interface PointerFile {
  readonly path: string;
  readonly pointer: Pointer;
  /** What git has. */
  readonly text: Buffer;
}

/** Larger blobs are content: both kinds of pointers are a few lines. */
const largest = 1024;

/** The files of a work tree for which git has pointers of git-lfs or git-annex, by path. */
export async function findPointers(
  root: Root,
  tree: WorkTree,
  place: GitPlace,
  objects: ObjectReader,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PointerFile>> {
  const found = new Map<string, PointerFile>();
  if (!(await usesFilters(root, tree))) return found;
  const entries = tree.index.filter(({ mode, announced }) => (mode & 0o170000) === 0o100000 && !announced);
  const input = `${[...new Set(entries.map(({ id }) => id))].join('\n')}\n`;
  const args = ['cat-file', '--buffer', '--batch-check=%(objectname) %(objectsize)'];
  const { stdout } = await runGit(args, place, { signal, input, limit: 2 ** 30 });
  const small = new Map<string, PointerFile['pointer'] & { text: Buffer }>();
  for (const [, id = '', size] of stdout.toString('latin1').matchAll(/^([0-9a-f]+) ([0-9]+)$/gm)) {
    if (Number(size) > largest) continue;
    const text = (await objects.read(id))?.data;
    const pointer = text === undefined ? undefined : parsePointer(text);
    if (text !== undefined && pointer !== undefined) small.set(id, { ...pointer, text });
  }
  for (const { id, path } of entries) {
    const known = small.get(id);
    if (known === undefined) continue;
    const { text, ...pointer } = known;
    found.set(path, { path, pointer, text });
  }
  return found;
}

/** Whether the file at `path` holds what the pointer stands for. Only the size can be compared where the key has no digest. */
export async function isContentOf(root: Root, path: string, { size, digest }: Pointer): Promise<boolean> {
  const [stat] = await root.lstat([path]);
  if (stat?.type !== 'file' || (size !== undefined && stat.size !== size)) return false;
  if (digest === undefined) return size !== undefined;
  const { algorithm, hex } = digest;
  if (algorithm === 'sha256' || algorithm === 'md5') return (await root.digest([path], algorithm))[0] === hex;
  const bytes = await root.readFile(path).catch(() => undefined);
  return bytes !== undefined && createHash(algorithm).update(bytes).digest('hex') === hex;
}

/** Whether attributes hand any file to a filter that keeps content out of git. */
async function usesFilters(root: Root, tree: WorkTree): Promise<boolean> {
  const inTree = tree.index.flatMap(({ path }) =>
    posix.basename(path) === '.gitattributes' ? [posix.join(tree.top, path)] : [],
  );
  for (const path of [...inTree, posix.join(tree.commonDir, 'info/attributes')]) {
    const text = await root.readFile(path, 1 << 20).catch(() => undefined);
    if (text !== undefined && /\bfilter=(?:lfs|annex)\b/.test(text.toString('latin1'))) return true;
  }
  return false;
}
