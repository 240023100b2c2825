import type { Context, Owner, Root, TraceContext } from '../../contract/index.ts';
import { byFolder } from '../../toolkits/python/by-folder.ts';
import { ownersFor } from '../../toolkits/python/owners.ts';
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
  const folders = new Set<string>();
  const note = byFolder((folder) => folders.add(folder));
  for (const path of paths) note(path);
  // an environment may be asked for by its own folder
  const whole = new Set('whole' in context ? context.whole : []);
  const near = await findEnvironments([...folders, ...whole], root);
  const known = new Map<string, (path: string) => readonly Owner[] | undefined>();
  const environmentOf = new Map<string, string>();
  for (const folder of [...folders, ...whole]) {
    const top = near(folder);
    if (top === undefined) continue;
    environmentOf.set(folder, top);
    if (known.has(top)) continue;
    const environment = await readEnvironment(top, root);
    const { owners } = await readSites(environment?.sites ?? [], root, context);
    const itself: readonly Owner[] = [{ key: top, instance: top }];
    const ownersOf = ownersFor(owners, top);
    known.set(top, (path) => ownersOf(path) ?? (isSkeleton(top, path) ? itself : undefined));
  }
  const claimed = new Map<string, readonly Owner[]>();
  const topOf = byFolder((folder) => environmentOf.get(folder));
  for (const path of paths) {
    const top = whole.has(path) ? environmentOf.get(path) : topOf(path);
    const found = top === undefined ? undefined : known.get(top)?.(path);
    if (found !== undefined) claimed.set(path, found);
  }
  return claimed;
}
