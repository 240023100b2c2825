import { posix } from 'node:path';

import { libraryDistribution } from '../../toolkits/libraries/distribution.ts';
import { namesIn, readText, type Found } from '../../toolkits/libraries/kind.ts';
import { isBasePackage, parseDescription } from './description.ts';

/** renv's cache is one library of many: `…/R-4.2/PLATFORM/NAME/VERSION/HASH/NAME`. */
const cached = /^(.*\/renv\/(?:cache\/v\d+\/)?(?:[^/]+\/)*?R-[\d.]+\/[^/]+)\/([^/]+\/[^/]+\/[0-9a-f]{32}\/[^/]+)$/;
const usual = [
  '/usr/local/lib/R/site-library',
  '/usr/lib/R/site-library',
  '/usr/lib/R/library',
  '/usr/lib64/R/library',
];

/** R packages that R itself installed: in a site's, a user's or a project's library (`.libPaths()`). */
export const r = libraryDistribution({
  type: 'r',
  title: 'R',
  noun: 'R library',
  programs: /^(?:R|Rscript)$/,
  command: 'R',
  needs: [{ program: 'R', debian: ['r-base-core'], redhat: ['R-core'] }],
  elsewhere: usual,
  activate: (path) => (usual.includes(path) ? [] : [{ do: 'prepend', name: 'R_LIBS', value: path }]),
  async find(paths, root) {
    // an installed package has these two; the nearest folder above that does is the package
    const candidates = new Set(paths.flatMap(foldersOf));
    const asked = [...candidates];
    const stats = await root.lstat(asked.flatMap((folder) => [`${folder}/Meta/package.rds`, `${folder}/DESCRIPTION`]));
    const packages = new Set(
      asked.filter((_, index) => stats[2 * index] !== undefined && stats[2 * index + 1] !== undefined),
    );
    const found = new Map<string, Found>();
    for (const path of paths) {
      const folder = foldersOf(path).find((one) => packages.has(one));
      if (folder !== undefined) found.set(path, placeOf(folder));
    }
    return found;
  },
  async list(root, top) {
    if (/\/renv\/.*\/R-[\d.]+\/[^/]+$/.test(top) && !top.includes('/library/')) return await listCache(root, top);
    return await namesIn(root, top);
  },
  told: (key) => `${key}/DESCRIPTION`,
  async read(root, top, key) {
    const text = await readText(root, posix.join(top, key, 'DESCRIPTION'));
    const told = text === undefined ? undefined : parseDescription(text);
    if (told?.facts.built === undefined) return undefined;
    const { name, version, requires, facts } = told;
    return { name, version, paths: [key], requires: requires.filter((one) => !isBasePackage(one)), facts };
  },
});

/** The folders that could be the package of a path, nearest first: itself where it is a link to one. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = path; at.length > 1 && folders.length < 12; at = posix.dirname(at)) folders.push(at);
  return folders;
}

function placeOf(folder: string): Found {
  const [, top, key] = cached.exec(folder) ?? [];
  if (top !== undefined && key !== undefined) return { top, key };
  return { top: posix.dirname(folder), key: posix.basename(folder) };
}

async function listCache(root: Parameters<typeof namesIn>[0], top: string): Promise<string[]> {
  const keys: string[] = [];
  for (const name of await namesIn(root, top, 'directory')) {
    for (const version of await namesIn(root, `${top}/${name}`, 'directory')) {
      for (const hash of await namesIn(root, `${top}/${name}/${version}`, 'directory'))
        keys.push(`${name}/${version}/${hash}/${name}`);
    }
  }
  return keys;
}
