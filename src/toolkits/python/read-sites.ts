import type { Context, Root } from '../../contract/index.ts';
import { ownersIn, type SiteOwners } from './owners.ts';
import type { SitePackage } from './site-package.ts';
import { readSite, type Site } from './site.ts';

/** Some folders of packages, and whose their files are. */
export interface ReadSites {
  readonly sites: readonly Site[];
  readonly owners: SiteOwners;
}

const read = new WeakMap<Root, { readonly context: Context; readonly known: Map<string, Promise<ReadSites>> }>();

/** Reads folders of packages, once for each trace or look. `isWanted` is the same whenever one of them is asked for. */
export async function readSites(
  paths: readonly string[],
  root: Root,
  context: Context,
  isWanted: (site: string, one: SitePackage) => boolean = () => true,
): Promise<ReadSites> {
  let held = read.get(root);
  if (held?.context !== context) read.set(root, (held = { context, known: new Map() }));
  const key = paths.join('\0');
  const known = held.known.get(key);
  if (known !== undefined) return await known;
  const fresh = (async () => {
    const sites: Site[] = [];
    for (const path of paths) {
      const site = await readSite(root, path);
      sites.push({ ...site, packages: site.packages.filter((one) => isWanted(path, one)) });
    }
    return { sites, owners: ownersIn(sites) };
  })();
  held.known.set(key, fresh);
  return await fresh;
}
