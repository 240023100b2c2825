import { posix } from 'node:path';

import { isSafeAbsolute, isWithin } from '../../model/index.ts';
import type { Context, Owner, Ran, Root, TraceContext } from '../../contract/index.ts';
import { readSif } from './sif.ts';
import { usesOf, type Use } from './uses.ts';

/** A use of an image that is a file or a folder of the root. */
export interface FileUse {
  readonly use: Use;
  /** Canonical. */
  readonly path: string;
  readonly folder: boolean;
}

/**
 * Files that engines were told to run in: what a run opens of an image that it names belongs to that. Where nothing
 * was run, files that are named as such images are, and are ones.
 */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context | TraceContext,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const claimed = new Map<string, readonly Owner[]>();
  const ran = 'ran' in context ? context.ran : undefined;
  if (ran === undefined) {
    for (const path of paths.filter((one) => /\.(?:sif|simg)$/.test(one))) {
      if ((await readSif(path, root)) !== undefined) claimed.set(path, [{ key: path, instance: path }]);
    }
    return claimed;
  }
  const uses = await fileUses(ran, root);
  if (uses.length === 0) return claimed;
  const mine = paths.flatMap((path) => {
    const use = uses.find((one) => (one.folder ? isWithin(path, one.path) : path === one.path));
    return use === undefined ? [] : [{ path, owner: use.path }];
  });
  const stats = await root.lstat(mine.map(({ path }) => path));
  for (const [index, { path, owner }] of mine.entries()) {
    if (stats[index] !== undefined) claimed.set(path, [{ key: owner, instance: owner }]);
  }
  return claimed;
}

/** Images of a run that are files or folders: a path, not an address or a name in a registry. */
export async function fileUses(ran: Ran, root: Root): Promise<readonly FileUse[]> {
  const found: FileUse[] = [];
  for (const use of usesOf(ran)) {
    if (use.of !== 'image' || !/^(?:apptainer|singularity|charliecloud)$/.test(use.engine)) continue;
    // an address has its scheme: docker://, library://, oci-archive:
    if (/^[a-z][a-z0-9-]*:/.test(use.reference)) continue;
    const path = posix.resolve(ran.directory, use.reference);
    if (!isSafeAbsolute(path)) continue;
    const [real] = await root.realpath([path]);
    const [stat] = real === undefined ? [] : await root.lstat([real]);
    if (real === undefined || real === '/' || (stat?.type !== 'file' && stat?.type !== 'directory')) continue;
    found.push({ use, path: real, folder: stat.type === 'directory' });
  }
  return found;
}
