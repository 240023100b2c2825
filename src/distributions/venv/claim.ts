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
  // an environment may be asked for by its own folder
  const whole = new Set('whole' in context ? context.whole : []);
  const claimed = new Map<string, readonly Owner[]>();
  await claimFrom(paths, claimed, whole, root, context, upToSite);
  // what no package of the environment around it lists may be of one that lies deeper
  const left = claimed.size === paths.length ? [] : paths.filter((path) => !claimed.has(path));
  await claimFrom(left, claimed, whole, root, context, (folder) => folder);
  return claimed;
}

/** Claims what belongs to the environments of the folders that `start` makes of the paths' own. */
async function claimFrom(
  paths: readonly string[],
  claimed: Map<string, readonly Owner[]>,
  whole: ReadonlySet<string>,
  root: Root,
  context: Context,
  start: (folder: string) => string,
): Promise<void> {
  const folders = new Set<string>();
  const note = byFolder((folder) => folders.add(start(folder)));
  for (const path of paths) note(path);
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
  if (known.size === 0) return;
  const answerOf = byFolder((folder) => known.get(environmentOf.get(start(folder)) ?? ''));
  for (const path of paths) {
    const answer = whole.has(path) ? known.get(environmentOf.get(path) ?? '') : answerOf(path);
    const found = answer?.(path);
    if (found !== undefined) claimed.set(path, found);
  }
}

/** A folder, or the folder of packages that it lies in: thousands of them need not be looked at one by one. */
function upToSite(folder: string): string {
  const at = folder.indexOf('/site-packages/');
  return at < 0 ? folder : folder.slice(0, at + '/site-packages'.length);
}
