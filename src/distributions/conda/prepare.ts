import { UserError, type ContentRef } from '../../model/index.ts';
import type { CreateContext, Missing, Obtained } from '../../contract/index.ts';
import { composeTree, storedTree, type Supply } from '../../toolkits/trees/compose.ts';
import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import { layPrefix } from './link/lay.ts';
import type { PrefixPython } from './link/place.ts';
import { supplyOf } from './link/supply.ts';
import type { CondaLock, CondaSpec } from './spec.ts';
import { isTreeOf } from './tree.ts';

type Prepared = Obtained & { readonly made: Readonly<Record<string, ContentRef>> };

/**
 * The prefix as one tar: where it was traced, every file as it was, from the artifacts and what was kept beside them;
 * at another path or without a trace, linked anew.
 */
export async function prepare(spec: CondaSpec, lock: CondaLock, context: CreateContext): Promise<Prepared> {
  const tree = lock.tree === undefined ? undefined : await storedTree(lock.tree, context.store);
  if (lock.tree !== undefined && tree === undefined) {
    throw new UserError(`the list of files ${lock.tree.sha256} of ${spec.path} is not one`, { status: 2 });
  }
  if (tree !== undefined && lock.prefix === spec.path && isTreeOf(tree, lock))
    return await compose(spec, lock, tree, context);
  const homeless = lock.packages.filter(({ repacked, sha256 }) => repacked === true || sha256 === undefined);
  if (tree === undefined && homeless.length > 0) {
    throw new UserError(`${spec.path}: ${homeless.map(({ name }) => name).join(', ')} can be had from no channel`, {
      hint: 'trace it where it is: what no channel has is kept then',
    });
  }
  const was =
    tree === undefined || lock.prefix === undefined ? {} : { was: { prefix: lock.prefix, tree, rest: lock.rest } };
  const laid = await layPrefix({ prefix: spec.path, packages: lock.packages, site: lock.site, ...was }, context);
  return { from: {}, refused: [], missing: [], made: { tree: laid } };
}

async function compose(
  spec: CondaSpec,
  lock: CondaLock,
  tree: readonly TreeEntry[],
  { store }: CreateContext,
): Promise<Prepared> {
  const python = pythonOf(lock);
  const supplies: Supply[] = [];
  for (const { name, version, sha256, repacked } of lock.packages) {
    const file = sha256 === undefined || repacked === true ? undefined : await store.find(sha256);
    if (file !== undefined) supplies.push(supplyOf(`${name} ${version}`, file, spec.path, python));
  }
  const composed = await composeTree(tree, lock.rest, supplies, store);
  if ('archive' in composed) return { from: {}, refused: [], missing: [], made: { tree: composed.archive } };
  const known = new Map(tree.map((entry) => [entry.path, entry.sha256 ?? '']));
  const missing = composed.missing.map((path): Missing => ({
    what: `${path} of the conda prefix ${spec.path}`,
    sha256: known.get(path) ?? '',
    tried: [{ label: 'its packages', because: 'none makes it with the content that was traced' }],
  }));
  return { from: {}, refused: [], missing, made: {} };
}

function pythonOf({ packages, site }: CondaLock): PrefixPython | undefined {
  const row = packages.find(({ name }) => name === 'python');
  if (row === undefined) return undefined;
  return { version: row.version, ...(site === undefined ? {} : { sitePackages: site }) };
}
