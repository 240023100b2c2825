import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { lastValue, parseConfig } from './config.ts';
import type { WorkTree } from './worktree.ts';

/** What a git work tree is: a DataLad dataset, a repository of git-annex, or neither. */
export type RepositoryKind = 'git' | 'annex' | 'datalad';

/** The most specific that holds. */
export async function kindOf(root: Root, tree: WorkTree): Promise<RepositoryKind> {
  if ((await datasetId(root, tree)) !== undefined) return 'datalad';
  return (await hasAnnex(root, tree)) ? 'annex' : 'git';
}

/** The id that DataLad gave a dataset, which its clones have in common; undefined where it is none. */
export async function datasetId(root: Root, tree: WorkTree): Promise<string | undefined> {
  if (!tree.index.some(({ path }) => path === '.datalad/config')) return undefined;
  const text = await root.readFile(posix.join(tree.top, '.datalad/config'), 1 << 20).catch(() => undefined);
  const id = lastValue(parseConfig(text?.toString('utf8') ?? ''), 'datalad.dataset.id');
  return id !== undefined && /^[0-9A-Za-z-]{8,64}$/.test(id) ? id : undefined;
}

/** Whether git-annex has been here, or in what it was cloned from. */
export async function hasAnnex(root: Root, { config, commonDir }: WorkTree): Promise<boolean> {
  if (lastValue(config, 'annex.uuid') !== undefined) return true;
  const remotes = await root.readdir(posix.join(commonDir, 'refs/remotes')).catch(() => []);
  const loose = ['refs/heads', ...remotes.map(({ name }) => `refs/remotes/${name}`)];
  const stats = await root.lstat(loose.map((folder) => posix.join(commonDir, folder, 'git-annex')));
  if (stats.some((stat) => stat?.type === 'file')) return true;
  const packed = await root.readFile(posix.join(commonDir, 'packed-refs'), 1 << 26).catch(() => undefined);
  return (
    packed !== undefined && /^[0-9a-f]+ refs\/(?:heads|remotes\/[^\n]+)\/git-annex$/m.test(packed.toString('latin1'))
  );
}
