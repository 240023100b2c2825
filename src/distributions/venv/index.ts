import { posix } from 'node:path';

import type { Distribution } from '../../contract/index.ts';
import type { EnvironmentChange, Step } from '../../model/index.ts';
import { checkPackages } from '../../toolkits/python/check-packages.ts';
import { editPackages } from '../../toolkits/python/edit-packages.ts';
import { laidEntries, layTree } from '../../toolkits/python/lay.ts';
import { composeTraced, contentsOf, wantedWheels } from '../../toolkits/python/obtain-wheels.ts';
import { observed, packageIds } from '../../toolkits/python/package-ids.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import { normalizeName } from '../../toolkits/python/metadata.ts';
import { trustOf } from '../../toolkits/python/trust.ts';
import { storedTree } from '../../toolkits/trees/compose.ts';
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
  change(from, to): readonly Step[] {
    const made = to.made['tree'];
    if (made === undefined) return [];
    const because = `virtual environment with ${to.lock.packages.length} packages`;
    return [
      { do: 'remove', path: from.spec.path, because: 'what it was before' },
      { do: 'unpack', archive: made, into: to.spec.path, because },
    ];
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
    const tree =
      lock.tree === undefined
        ? await laidEntries(lock, targetOf(spec, lock), besideOf(spec, lock), context.store)
        : await storedTree(lock.tree, context.store);
    const locked = new Set(lock.packages.map(({ name }) => normalizeName(name)));
    return await checkPackages(root, spec.path, sites, locked, tree, `venv ${spec.path}`);
  },
  trust: async (_spec, lock, context) => await trustOf(lock, context),
};
