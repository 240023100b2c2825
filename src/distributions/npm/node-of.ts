import { posix } from 'node:path';

import type { Ran, Root } from '../../contract/index.ts';
import type { Layout } from './layout.ts';

const usual = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The Node that runs a tree: the one that was run, else the one of its prefix, else the first on the path. */
export async function nodeOf(root: Root, layout: Layout, ran: Ran | undefined): Promise<string | undefined> {
  const run = ran?.programs.find(({ file }) => /^(?:node|nodejs)$/.test(posix.basename(file)))?.file;
  if (run !== undefined) return run;
  const folders = (ran?.env['PATH'] ?? usual).split(':').filter((folder) => folder.startsWith('/'));
  const places = [...(layout.global ? [posix.join(layout.top, 'bin')] : []), ...folders];
  const candidates = places.map((folder) => posix.join(folder, 'node'));
  const stats = await root.lstat(candidates);
  return candidates.find((_, index) => stats[index] !== undefined);
}
