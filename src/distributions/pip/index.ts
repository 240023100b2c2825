import { posix } from 'node:path';

import type { Distribution, Store } from '../../contract/index.ts';
import type { Step } from '../../model/index.ts';
import { checkPackages } from '../../toolkits/python/check-packages.ts';
import { normalizeName } from '../../toolkits/python/metadata.ts';
import { editPackages } from '../../toolkits/python/edit-packages.ts';
import { schemeOf } from '../../toolkits/python/keep-packages.ts';
import { laidEntries, layTree, type LayTarget } from '../../toolkits/python/lay.ts';
import { composeTraced, contentsOf, wantedWheels } from '../../toolkits/python/obtain-wheels.ts';
import { observed, packageIds } from '../../toolkits/python/package-ids.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import { resolvePackages } from '../../toolkits/python/resolve.ts';
import { trustOf } from '../../toolkits/python/trust.ts';
import { goneFrom } from '../../toolkits/trees/change.ts';
import { storedTree } from '../../toolkits/trees/compose.ts';
import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { isOurs, pythonOf, topOf } from './places.ts';
import { pipLockSchema, pipSchema, type PipLock, type PipSpec } from './spec.ts';

/** Packages that pip installed for a user, into /usr/local, or into a Python that was installed by hand. */
export const pip: Distribution<PipSpec, PipLock> = {
  type: 'pip',
  title: 'packages of Python',
  schema: pipSchema,
  lockSchema: pipLockSchema,
  claim,
  describe,
  async resolve(wish, held, context, renew) {
    return await resolvePackages(wish, wish.python ?? pythonOf(wish.path) ?? '3', held, context, renew, targetOf(wish));
  },
  contents: (_spec, lock) => contentsOf(lock),
  wanted: wantedWheels,
  async prepare(spec, lock, context) {
    const { tree } = lock;
    if (tree === undefined) return await layTree(lock, targetOf(spec), [], context.store);
    return await composeTraced(spec, { ...lock, tree }, context);
  },
  plan(spec, lock, made): readonly Step[] {
    if (made['tree'] === undefined) return [];
    const because = `${lock.packages.length} packages of Python`;
    return [{ do: 'unpack', archive: made['tree'], into: topOf(spec.path), because }];
  },
  edit: editPackages,
  async prepareChange(from, to, { store }) {
    const [was, is] = [await entriesOf(from.spec, from.lock, store), await entriesOf(to.spec, to.lock, store)];
    // the folder is not its own: what is not known to be its packages' stays
    return { made: {}, gone: was === undefined || is === undefined ? [] : goneFrom(topOf(to.spec.path), was, is) };
  },
  change(_from, { spec, lock, made, gone = [] }): readonly Step[] {
    const remove = gone.map((path): Step => ({ do: 'remove', path, because: 'what the change takes away' }));
    return [...remove, ...pip.plan(spec, lock, made)];
  },
  needs(spec) {
    if (!/^\/(?:usr\/local|root\/\.local|home\/[^/]+\/\.local)\/lib\/python/.test(spec.path)) return [];
    return [{ program: 'python3', debian: ['python3'], redhat: ['python3'] }];
  },
  packages: packageIds,
  async observe(spec, root, context) {
    return observed((await readSites([spec.path], root, context, isOurs)).sites);
  },
  async check(spec, lock, root, context) {
    const { sites } = await readSites([spec.path], root, context, isOurs);
    const tree = await entriesOf(spec, lock, context.store);
    const locked = new Set(lock.packages.map(({ name }) => normalizeName(name)));
    return await checkPackages(root, topOf(spec.path), sites, locked, tree, `pip ${spec.path}`);
  },
  trust: async (_spec, lock, context) => await trustOf(lock, context),
};

/** All that its packages are; undefined where that is not at hand. */
async function entriesOf(spec: PipSpec, lock: PipLock, store: Store): Promise<readonly TreeEntry[] | undefined> {
  return lock.tree === undefined
    ? await laidEntries(lock, targetOf(spec), [], store)
    : await storedTree(lock.tree, store);
}

/** Where its packages are laid; the Python of the folder, else the system's, runs their scripts. */
function targetOf({ path }: PipSpec): LayTarget {
  const top = topOf(path);
  const { site, python } = schemeOf(top, path);
  const isOfSystem = top === '/usr/local' || top.endsWith('/.local');
  return { site, python, interpreter: isOfSystem ? `/usr/bin/${python}` : posix.join(top, 'bin', python) };
}
