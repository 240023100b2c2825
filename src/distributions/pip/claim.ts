import { posix } from 'node:path';

import type { Context, Owner, Root } from '../../contract/index.ts';
import { byFolder } from '../../toolkits/python/by-folder.ts';
import { ownersFor } from '../../toolkits/python/owners.ts';
import { readSites, type ReadSites } from '../../toolkits/python/read-sites.ts';
import type { SitePackage } from '../../toolkits/python/site-package.ts';
import { isOurs, possibleTops, siteAbove, sitesBelow, topOf } from './places.ts';

/** Files of packages that were installed into a folder of packages which is no environment, scripts included. */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const candidates = new Map<string, { readonly site: string | undefined; readonly tops: readonly string[] }>();
  const tops = new Set<string>();
  const note = byFolder((folder) => {
    if (candidates.has(folder)) return;
    const site = siteAbove(folder);
    const above = site === undefined ? possibleTops(`${folder}/`) : [topOf(site)];
    if (above.length > 0) candidates.set(folder, { site, tops: above });
    for (const top of above) tops.add(top);
  });
  for (const path of paths) note(path);
  const below = await sitesBelow([...tops], root);
  const asked = new Map<string, (path: string) => readonly Owner[] | undefined>();
  const known = new Map<string, readonly ((path: string) => readonly Owner[] | undefined)[]>();
  for (const [folder, { site, tops: above }] of candidates) {
    const there = above.flatMap((top) => below.get(top) ?? []);
    const places = site === undefined ? there : there.filter((one) => one === site);
    for (const one of places) {
      if (!asked.has(one)) asked.set(one, ownersIn(one, await readSites([one], root, context, isOurs)));
    }
    known.set(
      folder,
      places.flatMap((one) => asked.get(one) ?? []),
    );
  }
  const claimed = new Map<string, readonly Owner[]>();
  const placesOf = byFolder((folder) => known.get(folder));
  for (const path of paths) {
    for (const ownersOf of placesOf(path) ?? []) {
      const found = ownersOf(path);
      if (found === undefined) continue;
      claimed.set(path, found);
      break;
    }
  }
  return claimed;
}

function ownersIn(site: string, { sites, owners }: ReadSites): (path: string) => readonly Owner[] | undefined {
  const ownersOf = ownersFor(owners, site);
  const linked = linkedIn(sites).map(({ key }) => ({ key, instance: site }));
  const shared = posix.join(site, 'easy-install.pth');
  return (path) => ownersOf(path) ?? (path === shared && linked.length > 0 ? linked : undefined);
}

/** Packages that setuptools enters into one easy-install.pth. */
export function linkedIn(sites: ReadSites['sites']): SitePackage[] {
  return sites.flatMap((site) => site.packages.filter(({ info }) => /\.egg(?:-link)?$/.test(info)));
}
