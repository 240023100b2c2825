import { posix } from 'node:path';

import { isSecretPath, type Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import type { WorkTree } from '../worktree.ts';
import type { PointerFile } from './pointers.ts';
import type { LargeFile } from './spec.ts';

/** One file up to this size is kept. */
const largest = 2 * 1024 ** 3;

/** Files that git-lfs has checked out, kept: git has their pointers only, and what serves them may ask for a password. */
export async function keepLarge(
  root: Root,
  tree: WorkTree,
  pointers: ReadonlyMap<string, PointerFile>,
  filled: ReadonlySet<string>,
  { store, keep }: TraceContext,
): Promise<{ readonly files: readonly LargeFile[]; readonly notes: readonly Note[] }> {
  const files: LargeFile[] = [];
  const notes: Note[] = [];
  for (const { path, pointer } of pointers.values()) {
    if (pointer.by !== 'lfs' || !filled.has(path)) continue;
    const at = posix.join(tree.top, path);
    if (isSecretPath(at) || (pointer.size ?? 0) > largest) {
      notes.push({
        kind: 'left',
        path: at,
        text: `the content of ${at}, which git-lfs has, is not kept: it is ${isSecretPath(at) ? 'a place for secrets' : 'too large'}`,
      });
      continue;
    }
    const file = { path, size: pointer.size ?? 0, sha256: pointer.key };
    if (keep && (await store.find(file.sha256)) === undefined) {
      const [real] = await root.realpath([at]);
      const onHost = posix.join(root.directory ?? '/', real ?? at);
      const kept = await store.addFile(onHost).catch(() => undefined);
      if (kept?.sha256 !== file.sha256) {
        notes.push({ kind: 'unreadable', path: at, text: `${at} could not be read and is not kept` });
        continue;
      }
    }
    files.push(file);
  }
  return { files, notes };
}
