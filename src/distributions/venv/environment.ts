import { posix } from 'node:path';

import { ancestors } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { parseVenvConfig } from '../../toolkits/python/metadata.ts';

/** One environment, as its own files tell. */
export interface Environment {
  readonly top: string;
  /** Of its Python: `3.11.2`. */
  readonly python?: string;
  /** The Python that it stands on, by the path that it is called by. */
  readonly interpreter?: string;
  readonly systemSitePackages: boolean;
  /** Folders of packages, absolute. */
  readonly sites: readonly string[];
}

/**
 * For folders and everything above them: the nearest environment that a path lies in. Each folder is looked at once,
 * all in one batch.
 */
export async function findEnvironments(
  below: Iterable<string>,
  root: Root,
): Promise<(folder: string) => string | undefined> {
  const folders = new Set<string>();
  for (const path of below)
    for (let at = path; at.length > 1 && !folders.has(at); at = posix.dirname(at)) folders.add(at);
  const all = [...folders];
  const stats = await root.lstat(all.map((folder) => `${folder}/pyvenv.cfg`));
  const tops = new Set(all.filter((_, index) => stats[index]?.type === 'file'));
  return (folder) => {
    if (tops.size === 0 || folder === '') return undefined;
    return tops.has(folder) ? folder : ancestors(folder).find((one) => tops.has(one));
  };
}

/** Reads what an environment is; undefined where there is none. */
export async function readEnvironment(top: string, root: Root): Promise<Environment | undefined> {
  const bytes = await root.readFile(posix.join(top, 'pyvenv.cfg'), 65_536).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const config = parseVenvConfig(bytes);
  const python = /^\d+\.\d+(?:\.\d+)?/.exec(config['version'] ?? config['version_info'] ?? '')?.[0];
  const interpreter = await interpreterOf(top, config['home'], root);
  return {
    top,
    ...(python === undefined ? {} : { python }),
    ...(interpreter === undefined ? {} : { interpreter }),
    systemSitePackages: config['include-system-site-packages']?.toLowerCase() === 'true',
    sites: await sitesOf(top, root),
  };
}

/** Where the links in `bin` lead out of the environment; of an environment with a copy, the Python in its `home`. */
async function interpreterOf(top: string, home: string | undefined, root: Root): Promise<string | undefined> {
  let at = posix.join(top, 'bin/python');
  for (let hops = 0; hops < 8; hops += 1) {
    const target = await root.readlink(at).catch(() => undefined);
    if (target === undefined) break;
    at = posix.resolve(posix.dirname(at), target);
    if (!at.startsWith(`${top}/`)) return at;
  }
  if (home === undefined || !home.startsWith('/')) return undefined;
  const candidates = ['python3', 'python', 'pypy3'].map((name) => posix.join(home, name));
  const stats = await root.lstat(candidates);
  return candidates.find((_, index) => stats[index] !== undefined);
}

async function sitesOf(top: string, root: Root): Promise<string[]> {
  const found: string[] = [];
  const stats = await root.lstat([posix.join(top, 'lib'), posix.join(top, 'lib64')]);
  for (const [index, name] of ['lib', 'lib64'].entries()) {
    if (stats[index]?.type !== 'directory') continue;
    for (const { name: python, type } of await root.readdir(posix.join(top, name)).catch(() => [])) {
      if (type === 'directory' && /^(?:python|pypy)\d[\d.]*$/.test(python))
        found.push(posix.join(top, name, python, 'site-packages'));
    }
  }
  return found;
}

/** Whether a path is of what made the environment, not of a package in it. */
export function isSkeleton(top: string, path: string): boolean {
  if (path === top) return true;
  const relative = path.slice(top.length + 1);
  return skeleton.test(relative);
}

// venv, virtualenv and uv each leave some of these
const skeleton = new RegExp(
  [
    String.raw`^pyvenv\.cfg$`,
    String.raw`^lib64$`,
    String.raw`^\.gitignore$`,
    String.raw`^\.lock$`,
    String.raw`^CACHEDIR\.TAG$`,
    String.raw`^bin\/(?:python|pypy)[\d.]*t?$`,
    String.raw`^bin\/(?:de)?activate(?:_this\.py|\.\w+)?$`,
    String.raw`^bin\/Activate\.ps1$`,
    String.raw`^bin\/pydoc\.bat$`,
    String.raw`^lib(?:64)?\/[^/]+\/site-packages\/(?:_virtualenv\.(?:pth|py)|easy-install\.pth|[\w.]+-[\w.]+\.virtualenv)$`,
    String.raw`^lib(?:64)?\/[^/]+\/site-packages\/__pycache__\/_virtualenv\.[\w.-]+\.pyc$`,
  ].join('|'),
);
