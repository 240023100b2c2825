import { isSecretPath, isWithin } from '../../model/index.ts';
import type { Context, Owner, Root, TraceContext } from '../../contract/index.ts';
import { knownTops } from './identify.ts';
import { packageTargets } from './package-targets.ts';
import { customaryPlace, managedPlace, possibleTops } from './places.ts';

/**
 * Paths in trees that were installed by hand: below a folder that is taken whole, of a version manager, of a known kind
 * (an interpreter, a virtual environment), or where such trees lie by custom. Secrets are nobody's.
 */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context | TraceContext,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const whole = 'whole' in context ? context.whole : [];
  const candidates = new Map<string, readonly string[]>();
  const claimed = new Map<string, readonly Owner[]>();
  const owners = new Map<string, readonly Owner[]>();
  const own = (path: string, top: string) => {
    const owner = owners.get(top) ?? [{ key: top, instance: top }];
    owners.set(top, owner);
    claimed.set(path, owner);
  };
  const there = await root.lstat(paths);
  for (const [index, path] of paths.entries()) {
    if (there[index] === undefined || isSecretPath(path)) continue;
    const top = whole.find((folder) => isWithin(path, folder)) ?? managedPlace(path)?.top;
    if (top === undefined) candidates.set(path, possibleTops(path));
    else own(path, top);
  }
  const known = await knownTops([...new Set([...candidates.values()].flat())], root);
  const left: string[] = [];
  for (const [path, tops] of candidates) {
    const top = tops.find((one) => known.has(one)) ?? customaryPlace(path)?.top;
    if (top === undefined) left.push(path);
    else own(path, top);
  }
  for (const [path, top] of await packageTargets(left, root)) own(path, top);
  return claimed;
}
