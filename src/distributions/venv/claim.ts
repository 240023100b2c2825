import { posix } from 'node:path';

import type { Context, Owner, Root, TraceContext } from '../../contract/index.ts';
import { toOwners } from '../../toolkits/python/owners.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import { findEnvironments, isSkeleton, readEnvironment } from './environment.ts';

/**
 * Files of packages in virtual environments, and what the environments themselves consist of. What else lies in one is
 * nobody's: no package has it.
 */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context | TraceContext,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const claimed = new Map<string, readonly Owner[]>();
  const folders = new Map(paths.map((path) => [path, posix.dirname(path)]));
  // an environment may be asked for by its own folder
  const whole = 'whole' in context ? context.whole : [];
  const near = await findEnvironments(new Set([...folders.values(), ...whole]), root);
  const byTop = new Map<string, string[]>();
  for (const path of paths) {
    const top = near(path) ?? near(folders.get(path) ?? path);
    if (top === undefined) continue;
    const mine = byTop.get(top);
    if (mine === undefined) byTop.set(top, [path]);
    else mine.push(path);
  }
  for (const [top, inside] of byTop) {
    const environment = await readEnvironment(top, root);
    if (environment === undefined) continue;
    const { owners } = await readSites(environment.sites, root, context);
    const itself: readonly Owner[] = [{ key: top, instance: top }];
    const stats = await root.lstat(inside);
    for (const [index, path] of inside.entries()) {
      if (stats[index] === undefined) continue;
      const found = owners.of(path);
      if (found.packages.length > 0) claimed.set(path, toOwners(found, top));
      else if (isSkeleton(top, path)) claimed.set(path, itself);
    }
  }
  return claimed;
}
