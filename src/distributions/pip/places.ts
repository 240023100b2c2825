import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import type { SitePackage } from '../../toolkits/python/site-package.ts';

/** The folder of packages that a path lies in, by its name. */
export function siteAbove(path: string): string | undefined {
  return /^(\/.+?\/lib(?:64)?\/(?:python|pypy)[\d.]+\/(?:site|dist)-packages)(?:\/|$)/.exec(path)?.[1];
}

/** What an installation's folders hang below: `/usr/local` of `/usr/local/lib/python3.11/dist-packages`. */
export function topOf(site: string): string {
  return posix.resolve(site, '../../..');
}

/** `3.11`, of the folder that packages for it lie in. */
export function pythonOf(site: string): string | undefined {
  return /\/python(\d+\.\d+)\/[^/]+$/.exec(site)?.[1];
}

/** Folders that a script, a page of a manual or a header may have been installed below. */
export function possibleTops(path: string): string[] {
  const found: string[] = [];
  for (const { index } of path.matchAll(/\/(?:bin|share|etc|include|man)(?=\/)/g)) {
    const top = path.slice(0, index);
    if (top !== '' && top !== '/usr') found.push(top);
  }
  return found;
}

/** The folders of packages below each of these, which are neither an environment's nor conda's. */
export async function sitesBelow(tops: readonly string[], root: Root): Promise<ReadonlyMap<string, readonly string[]>> {
  const markers = ['lib', 'lib64', 'pyvenv.cfg', 'conda-meta'];
  const stats = await root.lstat(tops.flatMap((top) => markers.map((marker) => posix.join(top, marker))));
  const found = new Map<string, readonly string[]>();
  for (const [index, top] of tops.entries()) {
    const at = index * markers.length;
    const [lib, lib64, venv, conda] = stats.slice(at, at + markers.length);
    if (venv !== undefined || conda !== undefined) continue;
    const sites: string[] = [];
    for (const [name, stat] of [
      ['lib', lib],
      ['lib64', lib64],
    ] as const) {
      if (stat?.type !== 'directory') continue;
      for (const entry of await root.readdir(posix.join(top, name)).catch(() => [])) {
        if (entry.type !== 'directory' || !/^(?:python|pypy)[\d.]+$/.test(entry.name)) continue;
        for (const kind of ['dist-packages', 'site-packages']) sites.push(posix.join(top, name, entry.name, kind));
      }
    }
    if (sites.length > 0) found.set(top, sites);
  }
  return found;
}

/** Whether pip, or something like it, put a package there. */
export function isOurs(site: string, { installer }: SitePackage): boolean {
  if (installer !== undefined && ['debian', 'rpm', 'conda'].includes(installer)) return false;
  // below /usr everything else is the system's, also where its list does not say so
  return !/^\/usr\/lib(?:64)?\//.test(site) || installer === 'pip' || installer === 'uv';
}
