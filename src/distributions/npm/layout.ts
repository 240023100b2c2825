import { posix } from 'node:path';

import { byBytes, isWithin } from '../../model/index.ts';
import type { DirectoryEntry, Root } from '../../contract/index.ts';
import { modulesOf } from './spec.ts';

/** A tree of packages as it lies on a disk. Paths are absolute; keys are relative to `top`. */
export interface Layout {
  /** The project's folder, or the prefix of a global tree. */
  readonly top: string;
  readonly global: boolean;
  /** The outermost `node_modules` folders: the project's own, and those of its workspaces. */
  readonly folders: readonly string[];
  /** Folders with a package in them, by key. */
  readonly packages: ReadonlySet<string>;
  /** Links to packages that lie elsewhere, by key, with the target resolved. */
  readonly links: ReadonlyMap<string, string>;
  /** What can be named at the top, with the key of the package that it is. */
  readonly direct: ReadonlyMap<string, string>;
  /** Of a global tree, the links to commands: absolute, with the key of their package. */
  readonly bins: ReadonlyMap<string, string>;
  /** Folders in it that came with Node itself: they are of who installed that. */
  readonly except: readonly string[];
}

/** Folders in a `node_modules` where programs by custom keep what they remember: of no package. */
export const caches: readonly string[] = ['.cache', '.vite', '.vite-temp', '.vitest'];

/** More is no project: not looked at. */
const most = 200_000;

/**
 * Reads the tree of a project or global prefix: folders only, no package is opened. Undefined where there is none.
 * npm's layout, yarn's, and pnpm's (real packages below `.pnpm`, all others links).
 */
export async function readLayout(root: Root, top: string, global: boolean): Promise<Layout | undefined> {
  const modules = posix.join(top, modulesOf({ global }));
  const [stat] = await root.lstat([modules]);
  if (stat?.type !== 'directory') return undefined;
  const packages = new Set<string>();
  const links = new Map<string, string>();
  const direct = new Map<string, string>();
  const folders = [modules];
  const except = global ? await nodesOwn(root, top, modules) : [];
  const keyOf = (path: string) => path.slice(top === '/' ? 1 : top.length + 1);
  let fresh: string[] = [modules];
  while (fresh.length > 0 && packages.size < most) {
    const inner: string[] = [];
    const workspaces: string[] = [];
    for (const folder of fresh) {
      const virtual = /\/node_modules\/\.pnpm\/[^/]+\/node_modules$/.test(folder);
      for (const { path, type } of await listPackages(root, folder, inner)) {
        if (except.includes(path)) continue;
        if (type === 'directory') {
          packages.add(keyOf(path));
          if (folder === modules) direct.set(path.slice(folder.length + 1), keyOf(path));
          inner.push(`${path}/node_modules`);
        } else if (type === 'link' && !virtual) {
          const target = await root.readlink(path).catch(() => undefined);
          if (target === undefined) continue;
          const goal = posix.resolve(posix.dirname(path), target);
          if (isWithin(goal, modules)) direct.set(path.slice(folder.length + 1), keyOf(goal));
          else {
            links.set(keyOf(path), goal);
            if (isWithin(goal, top) && goal !== top) workspaces.push(`${goal}/node_modules`);
          }
        }
      }
    }
    const asked = [...inner, ...workspaces];
    const stats = await root.lstat(asked);
    fresh = [...new Set(asked.filter((_, index) => stats[index]?.type === 'directory'))].filter(
      (folder) => !folders.includes(folder),
    );
    for (const folder of workspaces) if (fresh.includes(folder)) folders.push(folder);
  }
  const bins = global ? await readBins(root, top, modules, except, keyOf) : new Map<string, string>();
  return { top, global, folders: folders.sort(byBytes), packages, links, direct, bins, except };
}

/** The names in one `node_modules`, scopes opened; folders of pnpm's store go to `inner`. */
async function listPackages(
  root: Root,
  folder: string,
  inner: string[],
): Promise<{ path: string; type: DirectoryEntry['type'] }[]> {
  const found: { path: string; type: DirectoryEntry['type'] }[] = [];
  for (const { name, type } of await root.readdir(folder).catch(() => [])) {
    const path = `${folder}/${name}`;
    if (name === '.pnpm' && type === 'directory') {
      for (const one of await root.readdir(path).catch(() => [])) {
        // the one that is called node_modules has links only
        if (one.type === 'directory' && one.name !== 'node_modules') inner.push(`${path}/${one.name}/node_modules`);
      }
    }
    if (name.startsWith('.')) continue;
    if (!name.startsWith('@') || type !== 'directory') found.push({ path, type });
    else {
      for (const one of await root.readdir(path).catch(() => []))
        found.push({ path: `${path}/${one.name}`, type: one.type });
    }
  }
  return found;
}

async function readBins(
  root: Root,
  top: string,
  modules: string,
  except: readonly string[],
  keyOf: (path: string) => string,
): Promise<Map<string, string>> {
  const bins = new Map<string, string>();
  const folder = posix.join(top, 'bin');
  for (const { name, type } of await root.readdir(folder).catch(() => [])) {
    if (type !== 'link') continue;
    const path = `${folder}/${name}`;
    const goal = posix.resolve(folder, await root.readlink(path).catch(() => ''));
    if (!isWithin(goal, modules) || goal === modules) continue;
    const [, key = ''] = /^((?:@[^/]+\/)?[^/]+)/.exec(goal.slice(modules.length + 1)) ?? [];
    if (!except.includes(`${modules}/${key}`)) bins.set(path, keyOf(`${modules}/${key}`));
  }
  return bins;
}

/** Node's own tarball brings npm and corepack along. */
async function nodesOwn(root: Root, top: string, modules: string): Promise<string[]> {
  const [node, header] = await root.lstat([
    posix.join(top, 'bin/node'),
    posix.join(top, 'include/node/node_version.h'),
  ]);
  return node?.type === 'file' && header !== undefined ? [`${modules}/corepack`, `${modules}/npm`] : [];
}
