import { mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

import type { Note } from '../../../model/index.ts';
import type { Ran, Root } from '../../../contract/index.ts';
import { decodeName } from '../../../roots/names.ts';
import { runGit, type GitPlace } from '../git.ts';
import type { WorkTree } from '../worktree.ts';

/** What of git says something about files that it does not track. */
const listing = new Set(['status', 'add', 'stash', 'clean', 'ls-files', 'commit']);

/**
 * Says so where the run had git list a work tree in which files lay that are neither tracked nor ignored: only those that
 * the run read are inputs. What is younger than this process is taken for the run's own work.
 */
export async function noteUntracked(
  root: Root,
  tree: WorkTree,
  place: GitPlace,
  ran: Ran | undefined,
  signal: AbortSignal,
): Promise<readonly Note[]> {
  const lists = ran?.programs.some(
    ({ file, argv }) => posix.basename(file) === 'git' && argv.some((word) => listing.has(word)),
  );
  if (lists !== true) return [];
  const exclude = await root.readFile(posix.join(tree.commonDir, 'info/exclude'), 1 << 20).catch(() => undefined);
  await mkdir(join(place.gitDir, 'info'), { recursive: true });
  if (exclude !== undefined) await writeFile(join(place.gitDir, 'info/exclude'), exclude);
  const { stdout } = await runGit(['ls-files', '--others', '--exclude-standard', '-z'], place, {
    signal,
    limit: 2 ** 28,
  });
  const paths = decodeName(stdout).split('\0').slice(0, -1);
  const stats = await root.lstat(paths.map((path) => posix.join(tree.top, path)));
  const older = paths.filter(
    (_, index) => (stats[index]?.mtimeMs ?? Number.POSITIVE_INFINITY) < performance.timeOrigin,
  );
  if (older.length === 0) return [];
  const [first] = older;
  const which =
    older.length === 1 ? `${first} is not tracked` : `${first} and ${older.length - 1} more are not tracked`;
  return [
    {
      kind: 'incomplete',
      path: tree.top,
      text: `the run had git list ${tree.top}, where ${which}: a replay has what the run read of it, or with --stat what it listed`,
    },
  ];
}
