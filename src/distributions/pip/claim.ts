import { posix } from 'node:path';

import type { Context, Owner, Root } from '../../contract/index.ts';
import type { SitePackage } from '../../toolkits/python/site-package.ts';
import { toOwners } from '../../toolkits/python/owners.ts';
import { readSites, type ReadSites } from '../../toolkits/python/read-sites.ts';
import { isOurs, possibleTops, siteAbove, sitesBelow, topOf } from './places.ts';

/** Files of packages that were installed into a folder of packages which is no environment, scripts included. */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const claimed = new Map<string, readonly Owner[]>();
  const candidates = new Map<string, readonly string[]>();
  const tops = new Set<string>();
  for (const path of paths) {
    const site = siteAbove(path);
    const above = site === undefined ? possibleTops(path) : [topOf(site)];
    if (above.length === 0) continue;
    candidates.set(path, above);
    for (const top of above) tops.add(top);
  }
  const below = await sitesBelow([...tops], root);
  const asked = [...candidates.keys()];
  const stats = await root.lstat(asked);
  for (const [index, path] of asked.entries()) {
    if (stats[index] === undefined) continue;
    const own = siteAbove(path);
    const sites = own === undefined ? (candidates.get(path) ?? []).flatMap((top) => below.get(top) ?? []) : [own];
    for (const site of sites) {
      if (!below.get(topOf(site))?.includes(site)) continue;
      const found = ownersOf(path, site, await readSites([site], root, context));
      if (found.packages.length === 0) continue;
      claimed.set(path, toOwners(found, site));
      break;
    }
  }
  return claimed;
}

function ownersOf(
  path: string,
  site: string,
  { sites, owners }: ReadSites,
): { packages: readonly SitePackage[]; explained?: string } {
  const found = owners.of(path);
  const packages = found.packages.filter((one) => isOurs(site, one));
  if (packages.length > 0) return { ...found, packages };
  return { packages: path === posix.join(site, 'easy-install.pth') ? linkedIn(sites) : [] };
}

/** Packages that setuptools enters into one easy-install.pth. */
export function linkedIn(sites: ReadSites['sites']): SitePackage[] {
  return sites.flatMap((site) => site.packages.filter(({ info }) => /\.egg(?:-link)?$/.test(info)));
}
