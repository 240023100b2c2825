import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Description, Root, TraceContext } from '../../contract/index.ts';
import { keepPackages, pinned, requirementNames, schemeOf, type Kept } from '../../toolkits/python/keep-packages.ts';
import { pipCaches, settingsFor } from '../../toolkits/python/machine.ts';
import { filesOf } from '../../toolkits/python/owners.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import type { SitePackage } from '../../toolkits/python/site-package.ts';
import { seeds } from '../../toolkits/python/spec.ts';
import { describeEach, oncePerTrace } from '../../toolkits/trees/each.ts';
import { isSkeleton, readEnvironment, type Environment } from './environment.ts';
import type { VenvLock, VenvSpec } from './spec.ts';

type One = Description<VenvSpec, VenvLock>['distributions'][number];

/** An environment that was kept for one trace: what is in it does not depend on which of its files were used. */
interface Taken extends Kept {
  readonly environment: Environment;
  readonly packages: readonly SitePackage[];
  readonly indexes: readonly string[];
}

const takenOnce = oncePerTrace<Taken | undefined>();

/** Each environment whole: every package in it, and what it stands on. */
export const describe = describeEach<VenvSpec, VenvLock>(async (top, { keys }, root, context) => {
  const taken = await takenOnce(root, context, top, async () => take(top, root, context));
  if (taken === undefined) return undefined;
  const { leads, cut, notes } = taken;
  return { distribution: toDistribution(taken, keys, context.scope), leads, cut, notes };
});

async function take(top: string, root: Root, context: TraceContext): Promise<Taken | undefined> {
  const environment = await readEnvironment(top, root);
  if (environment === undefined) return undefined;
  const { sites, owners } = await readSites(environment.sites, root, context);
  const packages = sites.flatMap((site) => site.packages).sort((a, b) => byBytes(a.key, b.key));
  const paths = await filesOf(new Set(packages), sites, owners, root);
  for (const path of await skeletonOf(top, root)) paths.add(path);
  const settings = await settingsFor(root, top, environment.sites, context.ran, context);
  const kept = await keepPackages(
    {
      top,
      packages,
      paths,
      schemeOf: (one) => schemeOf(top, posix.dirname(one.info)),
      settings,
      caches: pipCaches(root, top, context.ran),
    },
    root,
    context,
  );
  const notes = [...sites.flatMap((site) => site.notes), ...kept.notes];
  return { ...kept, notes, environment, packages, indexes: kept.indexed ? settings.indexes : [] };
}

function toDistribution(
  { environment, packages, lock, indexes }: Taken,
  used: ReadonlySet<string>,
  scope: TraceContext['scope'],
): One {
  const { top, python, interpreter, systemSitePackages } = environment;
  const required = new Set(packages.flatMap(({ requires }) => requirementNames(requires, 'with extras')));
  const named = packages.filter(
    ({ key, requested }) => used.has(key) || scope === 'all' || (!seeds.has(key) && (requested || !required.has(key))),
  );
  const count = packages.length;
  return {
    spec: {
      type: 'venv',
      path: top,
      ...(interpreter === undefined ? {} : { interpreter }),
      ...(systemSitePackages ? { 'system-site-packages': true } : {}),
      ...(named.length === 0 ? {} : { packages: named.map(pinned) }),
      ...(indexes.length === 0 ? {} : { indexes }),
    },
    lock: { ...(python === undefined ? {} : { python }), ...(lock.tree === undefined ? {} : { prefix: top }), ...lock },
    instance: top,
    summary: `1 virtual environment (${count} package${count === 1 ? '' : 's'} in ${top})`,
    ...(interpreter === undefined ? {} : { standsOn: interpreter }),
  };
}

/** What made the environment, as it lies in its top, in `bin` and beside the packages; folders for headers, too. */
async function skeletonOf(top: string, root: Root): Promise<string[]> {
  const found = [top];
  for (const folder of ['.', 'bin', 'include', 'lib']) {
    const path = posix.join(top, folder);
    const entries = await root.readdir(path).catch(() => []);
    for (const { name, type } of entries) {
      const inside = posix.join(path, name);
      if (isSkeleton(top, inside) || (type === 'directory' && folder === '.')) found.push(inside);
      if (folder !== 'lib' || type !== 'directory') continue;
      const site = posix.join(inside, 'site-packages');
      for (const { name: module } of await root.readdir(site).catch(() => [])) {
        if (isSkeleton(top, posix.join(site, module))) found.push(posix.join(site, module));
      }
    }
  }
  return found;
}
