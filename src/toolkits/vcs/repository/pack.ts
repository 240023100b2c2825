import { join, posix } from 'node:path';

import { byBytes, type ContentRef } from '../../../model/index.ts';
import type { CreateContext } from '../../../contract/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { packTree } from '../../trees/pack.ts';
import type { TreeEntry } from '../../trees/entries.ts';
import { runGit } from '../git.ts';

/**
 * Packs the work tree that was made in `folder`. Modes, owners and times are those of the list of files where it has
 * them; what it does not name (the `.git`) is its top folder's owner's, and as old as the commit.
 */
export async function packWorkTree(
  folder: string,
  tree: readonly TreeEntry[] | undefined,
  commit: string,
  context: CreateContext,
): Promise<ContentRef> {
  const place = { gitDir: join(folder, '.git') };
  const shown = await runGit(['show', '-s', '--format=%ct', commit], place, { signal: context.signal });
  const known = new Map((tree ?? []).map((entry) => [entry.path, entry]));
  const top = known.get('.');
  const plain = { uid: top?.uid ?? 0, gid: top?.gid ?? 0, mtime: Number(shown.stdout.toString('latin1').trim()) || 0 };
  const root = localRoot(folder);
  const entries: TreeEntry[] = [];
  for await (const { path, type, mode, size, target } of root.scan({ digests: [] })) {
    if (type !== 'file' && type !== 'directory' && type !== 'link') continue;
    const name = path === '/' ? '.' : path.slice(1);
    const listed = known.get(name);
    const own = listed?.type === type ? listed : { ...plain, mode: plainMode(name, type, mode) };
    entries.push({
      path: name,
      type,
      mode: own.mode,
      uid: own.uid,
      gid: own.gid,
      mtime: own.mtime,
      ...(size === undefined ? {} : { size }),
      ...(target === undefined ? {} : { target }),
    });
  }
  return (await packTree(root, '/', withEmptyFolders(entries, tree ?? []), context.store)).archive;
}

/** Folders whose last file was deleted are there all the same. */
function withEmptyFolders(made: readonly TreeEntry[], listed: readonly TreeEntry[]): readonly TreeEntry[] {
  const types = new Map(made.map(({ path, type }) => [path, type]));
  const added = listed.filter(({ path, type }) => {
    if (type !== 'directory' || types.has(path) || types.get(posix.dirname(path)) !== 'directory') return false;
    types.set(path, type); // sorted: those in it come later
    return true;
  });
  return [...made, ...added].sort((a, b) => byBytes(a.path, b.path));
}

/** Not our umask's: as git makes them under 0022. */
function plainMode(path: string, type: TreeEntry['type'], mode: number): number {
  if (/(?:^|\/)\.git\/annex\/objects\/[^/]+\/[^/]+\/[^/]+/su.test(path)) return type === 'directory' ? 0o555 : 0o444;
  if (type === 'directory') return 0o755;
  if (type === 'link') return 0o777;
  if (path.includes('.git/objects/')) return 0o444;
  return (mode & 0o100) === 0 ? 0o644 : 0o755;
}
