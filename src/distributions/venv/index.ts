import { posix } from 'node:path';

import type { Distribution, Store } from '../../contract/index.ts';
import type { EnvironmentChange, Step } from '../../model/index.ts';
import { checkPackages } from '../../toolkits/python/check-packages.ts';
import { editPackages } from '../../toolkits/python/edit-packages.ts';
import { laidEntries, layTree } from '../../toolkits/python/lay.ts';
import { composeTraced, contentsOf, wantedWheels } from '../../toolkits/python/obtain-wheels.ts';
import { narrowPackages } from '../../toolkits/python/narrow-packages.ts';
import { observed, packageIds } from '../../toolkits/python/package-ids.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import { normalizeName } from '../../toolkits/python/metadata.ts';
import { trustOf } from '../../toolkits/python/trust.ts';
import { goneFrom } from '../../toolkits/trees/change.ts';
import { storedTree } from '../../toolkits/trees/compose.ts';
import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { readEnvironment } from './environment.ts';
import { besideOf, resolve, targetOf } from './resolve.ts';
import { venvLockSchema, venvSchema, type VenvLock, type VenvSpec } from './spec.ts';

/** Virtual environments of Python: venv, virtualenv, uv. */
export const venv: Distribution<VenvSpec, VenvLock> = {
  type: 'venv',
  title: 'virtual environments of Python',
  schema: venvSchema,
  lockSchema: venvLockSchema,
  claim,
  describe,
  resolve,
  contents: (_spec, lock) => contentsOf(lock),
  wanted: wantedWheels,
  async prepare(spec, lock, context) {
    const { tree } = lock;
    if (tree === undefined) return await layTree(lock, targetOf(spec, lock), besideOf(spec, lock), context.store);
    return await composeTraced(spec, { ...lock, tree }, context);
  },
  plan(spec, lock, made): readonly Step[] {
    if (made['tree'] === undefined) return [];
    const because = `virtual environment with ${lock.packages.length} packages`;
    return [{ do: 'unpack', archive: made['tree'], into: spec.path, because }];
  },
  edit: editPackages,
  async prepareChange(from, to, { store }) {
    const [was, is] = [await entriesOf(from.spec, from.lock, store), await entriesOf(to.spec, to.lock, store)];
    if (was === undefined || is === undefined || from.spec.path !== to.spec.path) return { made: {} };
    return { made: {}, gone: goneFrom(to.spec.path, was, is) };
  },
  async narrow(of, used, root, context) {
    const environment = await readEnvironment(of.spec.path, root);
    const { sites } = await readSites(environment?.sites ?? [], root, context);
    return await narrowPackages(of, used, { sites, root, store: context.store });
  },
  change(from, to): readonly Step[] {
    // where it is not known what was there, all of it goes
    const { gone = [from.spec.path] } = to;
    const remove = gone.map((path): Step => ({ do: 'remove', path, because: 'what the change takes away' }));
    return to.made['tree'] === undefined ? [] : [...remove, ...venv.plan(to.spec, to.lock, to.made)];
  },
  activate(spec): readonly EnvironmentChange[] {
    return [
      { do: 'set', name: 'VIRTUAL_ENV', value: spec.path },
      { do: 'prepend', name: 'PATH', value: posix.join(spec.path, 'bin') },
      { do: 'unset', name: 'PYTHONHOME' },
    ];
  },
  needs(spec) {
    // a Python of its own is another distribution's
    if (spec.interpreter !== undefined && !/^\/(?:usr\/)?bin\/python3?$/.test(spec.interpreter)) return [];
    return [{ program: 'python3', debian: ['python3'], redhat: ['python3'] }];
  },
  packages: packageIds,
  async observe(spec, root, context) {
    const environment = await readEnvironment(spec.path, root);
    if (environment === undefined) return { packages: [] };
    return observed((await readSites(environment.sites, root, context)).sites);
  },
  async check(spec, lock, root, context) {
    const environment = await readEnvironment(spec.path, root);
    const { sites } = await readSites(environment?.sites ?? [], root, context);
    const tree = await entriesOf(spec, lock, context.store);
    const locked = new Set(lock.packages.map(({ name }) => normalizeName(name)));
    return await checkPackages(root, spec.path, sites, locked, tree, `venv ${spec.path}`);
  },
  trust: async (_spec, lock, context) => await trustOf(lock, context),
};

/** All that is in it; undefined where that is not at hand. */
async function entriesOf(spec: VenvSpec, lock: VenvLock, store: Store): Promise<readonly TreeEntry[] | undefined> {
  if (lock.tree !== undefined) return await storedTree(lock.tree, store);
  return await laidEntries(lock, targetOf(spec, lock), besideOf(spec, lock), store);
}
