import { posix } from 'node:path';

import type { Root, TraceContext } from '../../contract/index.ts';
import { closureOf, keepPackages, pinned, schemeOf } from '../../toolkits/python/keep-packages.ts';
import { pipCaches, settingsFor } from '../../toolkits/python/machine.ts';
import { filesOf } from '../../toolkits/python/owners.ts';
import { readSites } from '../../toolkits/python/read-sites.ts';
import { describeEach, type DescribedOne, type Used } from '../../toolkits/trees/each.ts';
import { linkedIn } from './claim.ts';
import { isOurs, pythonOf, topOf } from './places.ts';
import type { PipLock, PipSpec } from './spec.ts';

/** Each folder of packages with those that were used, and what they require. */
export const describe = describeEach<PipSpec, PipLock>(describeSite);

async function describeSite(
  site: string,
  { keys: used }: Used,
  root: Root,
  context: TraceContext,
): Promise<DescribedOne<PipSpec, PipLock>> {
  const top = topOf(site);
  const { sites, owners } = await readSites([site], root, context, isOurs);
  const ours = sites.flatMap(({ packages }) => packages);
  const keys = context.scope === 'all' ? new Set(ours.map(({ key }) => key)) : closureOf(used, ours);
  const packages = ours.filter(({ key }) => keys.has(key));
  const paths = await filesOf(new Set(packages), sites, owners, root);
  if (linkedIn(sites).some((one) => packages.includes(one))) paths.add(posix.join(site, 'easy-install.pth'));
  const settings = await settingsFor(root, top, [site], context.ran, context);
  const kept = await keepPackages(
    { top, packages, paths, schemeOf: () => schemeOf(top, site), settings, caches: pipCaches(root, top, context.ran) },
    root,
    context,
  );
  const named = packages.filter(({ key }) => used.has(key));
  const python = pythonOf(site);
  const interpreter = await interpreterFor(site, top, root, context);
  const count = packages.length;
  return {
    distribution: {
      spec: {
        type: 'pip',
        path: site,
        packages: (named.length === 0 ? packages : named).map(pinned),
        ...(kept.indexed && settings.indexes.length > 0 ? { indexes: settings.indexes } : {}),
      },
      lock: {
        ...(python === undefined ? {} : { python }),
        ...(kept.lock.tree === undefined ? {} : { prefix: site }),
        ...kept.lock,
      },
      instance: site,
      summary: `${count} package${count === 1 ? '' : 's'} of Python in ${site}`,
      ...(interpreter === undefined ? {} : { standsOn: interpreter }),
    },
    leads: kept.leads,
    cut: kept.cut,
    notes: [...sites.flatMap(({ notes }) => notes), ...kept.notes],
  };
}

/** The Python that has this folder on its path: the one beside it, the one that ran, the system's. */
async function interpreterFor(
  site: string,
  top: string,
  root: Root,
  { ran }: TraceContext,
): Promise<string | undefined> {
  const name = /\/((?:python|pypy)[\d.]+)\/[^/]+$/.exec(site)?.[1];
  if (name === undefined) return undefined;
  const running = (ran?.programs ?? []).map(({ file }) => file).filter((file) => posix.basename(file) === name);
  const candidates = [posix.join(top, 'bin', name), ...running, `/usr/local/bin/${name}`, `/usr/bin/${name}`];
  const stats = await root.lstat(candidates);
  return candidates.find((_, index) => stats[index] !== undefined);
}
