import { posix } from 'node:path';
import { readFile } from 'node:fs/promises';

import { isSafeAbsolute, type ContentRef, type PackageId, type Step } from '../../model/index.ts';
import type { Distribution, Root, Wanted } from '../../contract/index.ts';
import { checkTree } from '../../toolkits/trees/check.ts';
import { parseTree } from '../../toolkits/trees/entries.ts';
import { activate } from './activate.ts';
import { askedWithin, loadedBefore } from './asked.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { nameAndVersion } from './loaded.ts';
import { resolve } from './resolve.ts';
import { modulesLockSchema, modulesSchema, type ModulesLock, type ModulesSpec } from './spec.ts';

/** What a cluster's module tool loaded: Environment Modules and Lmod. */
export const modules: Distribution<ModulesSpec, ModulesLock> = {
  type: 'modules',
  title: 'environment modules',
  schema: modulesSchema,
  lockSchema: modulesLockSchema,
  notices: ({ env, programs }) => loadedBefore(env).length > 0 || askedWithin(programs).length > 0,
  claim,
  describe,
  resolve: async (wish, held, context, renew) => await resolve(wish, held, context, renew),
  contents(_spec, lock) {
    return { kept: contentOf(lock), archived: [] };
  },
  async wanted(_spec, lock): Promise<readonly Wanted[]> {
    // kept while tracing: the store and the bundle, which are looked at first, are the only places
    const what = 'the modules';
    return contentOf(lock).map(({ sha256, size }) => ({ sha256, size, what, async *sources() {} }));
  },
  plan(spec, lock): readonly Step[] {
    if (lock.archive === undefined) return [];
    const because = `${lock.files} files of modules (${spec.packages.join(', ')}), which come from no archive`;
    return [{ do: 'unpack', archive: lock.archive, into: '/', because }];
  },
  change(from, to): readonly Step[] {
    const kept = new Set((to.lock.roots ?? []).map(({ path }) => path));
    const because = 'its module is no more';
    const gone = (from.lock.roots ?? []).filter(({ path }) => !kept.has(path));
    return [
      ...gone.map(({ path }): Step => ({ do: 'remove', path, because })),
      ...modules.plan(to.spec, to.lock, to.made),
    ];
  },
  activate,
  packages(spec) {
    return packagesOf(spec.packages);
  },
  async observe(spec, root) {
    const there: string[] = [];
    for (const name of spec.packages) if (await isThere(name, spec.modulepath ?? [], root)) there.push(name);
    return { packages: packagesOf(there) };
  },
  async check(_spec, lock, root, { store }) {
    const file = lock.tree === undefined ? undefined : await store.find(lock.tree.sha256);
    const tree = file === undefined ? undefined : parseTree(await readFile(file));
    if (tree === undefined) return { checked: 0, differing: [], explained: [] };
    const checked = await checkTree(root, '/', tree, 'modules');
    return { ...checked, own: tree.filter(({ type }) => type !== 'directory').map(({ path }) => `/${path}`) };
  },
};

function contentOf({ tree, archive, packages }: ModulesLock): ContentRef[] {
  const texts = new Map(packages.map(({ sha256, size }) => [sha256, { sha256, size }]));
  return [tree, archive, ...texts.values()].filter((content) => content !== undefined);
}

/** One of a name is loaded at a time; where a file says otherwise, the further ones go by their whole name. */
function packagesOf(names: readonly string[]): PackageId[] {
  const found = new Map<string, PackageId>();
  for (const module of names) {
    const { name, version } = nameAndVersion(module);
    const key = found.has(name) ? module : name;
    found.set(key, { key, version });
  }
  return [...found.values()];
}

async function isThere(name: string, folders: readonly string[], root: Root): Promise<boolean> {
  const paths = folders
    .flatMap((folder) => ['', '.lua'].map((ending) => posix.join(folder, `${name}${ending}`)))
    .filter(isSafeAbsolute);
  return (await root.lstat(paths)).some((stat) => stat !== undefined);
}
