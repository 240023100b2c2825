import type { ContentRef, PackageId, Step } from '../../model/index.ts';
import type { Distribution, Wanted } from '../../contract/index.ts';
import { checkTree } from '../../toolkits/trees/check.ts';
import { parseTree } from '../../toolkits/trees/entries.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { identify } from './identify.ts';
import { readFile } from 'node:fs/promises';
import { prefixLockSchema, prefixSchema, type PrefixLock, type PrefixSpec } from './spec.ts';

/** Trees that were installed by hand: kept as they are, named by what identifies them. */
export const prefix: Distribution<PrefixSpec, PrefixLock> = {
  type: 'prefix',
  title: 'installed by hand',
  schema: prefixSchema,
  lockSchema: prefixLockSchema,
  claim,
  describe,
  contents(_spec, lock) {
    return { kept: contentOf(lock), archived: [] };
  },
  async wanted(spec, lock): Promise<readonly Wanted[]> {
    // it was made while tracing: the store and the bundle, which are looked at first, are the only places
    return contentOf(lock).map(({ sha256, size }) => ({ sha256, size, what: nameOf(spec), async *sources() {} }));
  },
  plan(spec, lock): readonly Step[] {
    if (lock.archive === undefined) return [];
    return [{ do: 'unpack', archive: lock.archive, into: spec.path, because: `${nameOf(spec)}, ${lock.files} files` }];
  },
  packages(spec) {
    return [idOf(spec, spec)];
  },
  async observe(spec, root) {
    const [stat] = await root.lstat([spec.path]);
    if (stat === undefined) return { packages: [] };
    return { packages: [idOf(spec, await identify(spec.path, root))] };
  },
  async check(spec, lock, root, { store }) {
    const file = lock.tree === undefined ? undefined : await store.find(lock.tree.sha256);
    const tree = file === undefined ? undefined : parseTree(await readFile(file));
    if (tree === undefined) return { checked: 0, differing: [], explained: [] };
    return await checkTree(root, spec.path, tree, nameOf(spec));
  },
};

/** By what it is, where that is said: another version of it may lie in another folder. */
function idOf(spec: PrefixSpec, { name, version }: Pick<PrefixSpec, 'name' | 'version'>): PackageId {
  const key = spec.name === undefined ? spec.path : (name ?? spec.path);
  return { key, version: version ?? name ?? '', name: name ?? spec.path };
}

function contentOf({ tree, archive }: PrefixLock): ContentRef[] {
  return [tree, archive].filter((content) => content !== undefined);
}

function nameOf(spec: PrefixSpec): string {
  const about = [spec.name, spec.version].filter((part) => part !== undefined).join(' ');
  return about === '' ? `prefix ${spec.path}` : `${about} in ${spec.path}`;
}
