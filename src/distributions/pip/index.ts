import type { Distribution } from '../../contract/index.ts';
import type { Step } from '../../model/index.ts';
import { checkPackages } from '../../toolkits/python/check-packages.ts';
import { normalizeName } from '../../toolkits/python/metadata.ts';
import { composeTraced, contentsOf, wantedWheels } from '../../toolkits/python/obtain-wheels.ts';
import { observed, packageIds } from '../../toolkits/python/package-ids.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import { storedTree } from '../../toolkits/trees/compose.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { isOurs, topOf } from './places.ts';
import { pipLockSchema, pipSchema, type PipLock, type PipSpec } from './spec.ts';

/** Packages that pip installed for a user, into /usr/local, or into a Python that was installed by hand. */
export const pip: Distribution<PipSpec, PipLock> = {
  type: 'pip',
  title: 'packages of Python',
  schema: pipSchema,
  lockSchema: pipLockSchema,
  claim,
  describe,
  contents: (_spec, lock) => contentsOf(lock),
  wanted: wantedWheels,
  async prepare(spec, lock, context) {
    const { tree } = lock;
    if (tree === undefined) return { from: {}, refused: [], missing: [], made: {} };
    return await composeTraced(spec, { ...lock, tree }, context);
  },
  plan(spec, lock, made): readonly Step[] {
    if (made['tree'] === undefined) return [];
    const because = `${lock.packages.length} packages of Python`;
    return [{ do: 'unpack', archive: made['tree'], into: topOf(spec.path), because }];
  },
  needs(spec) {
    if (!/^\/(?:usr\/local|root\/\.local|home\/[^/]+\/\.local)\/lib\/python/.test(spec.path)) return [];
    return [{ program: 'python3', debian: ['python3'], redhat: ['python3'] }];
  },
  packages: packageIds,
  async observe(spec, root, context) {
    const { sites } = await readSites([spec.path], root, context);
    return observed(
      sites.map((site) => ({ ...site, packages: site.packages.filter((one) => isOurs(site.path, one)) })),
    );
  },
  async check(spec, lock, root, context) {
    const { sites } = await readSites([spec.path], root, context);
    const tree = lock.tree === undefined ? undefined : await storedTree(lock.tree, context.store);
    const locked = new Set(lock.packages.map(({ name }) => normalizeName(name)));
    return await checkPackages(root, topOf(spec.path), sites, locked, tree, `pip ${spec.path}`);
  },
};
