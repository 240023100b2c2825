import { posix } from 'node:path';

import { byBytes, type ContentRef, type PackageId, type Step } from '../../model/index.ts';
import type { Distribution, Wanted } from '../../contract/index.ts';
import { checkTree } from '../trees/check.ts';
import { storedTree } from '../trees/compose.ts';
import { findUnknown } from '../trees/unknown.ts';
import { claimIn } from './claim.ts';
import { describeIn } from './describe.ts';
import type { LibraryKind } from './kind.ts';
import { libraryLockSchema, librarySchema, type LibraryLock, type LibrarySpec } from './spec.ts';

/** A distribution that is nothing but a kind of library: its packages are named, and kept as they lie. */
export function libraryDistribution(kind: LibraryKind): Distribution<LibrarySpec, LibraryLock> {
  return {
    type: kind.type,
    title: kind.title,
    schema: librarySchema(kind.type),
    lockSchema: libraryLockSchema,
    claim: claimIn(kind),
    describe: describeIn(kind),
    contents(_spec, lock) {
      return { kept: contentOf(lock), archived: [] };
    },
    async wanted(spec, lock): Promise<readonly Wanted[]> {
      // made while tracing: the store and the bundle, which are looked at first, are the only places
      const what = `the ${kind.noun} in ${spec.path}`;
      return contentOf(lock).map((content) => ({ ...content, what, async *sources() {} }));
    },
    plan(spec, lock): readonly Step[] {
      if (lock.rest === undefined) return [];
      const count = `${lock.packages.length} package${lock.packages.length === 1 ? '' : 's'}`;
      return [{ do: 'unpack', archive: lock.rest, into: spec.path, because: `${kind.noun} with ${count}` }];
    },
    ...(kind.activate === undefined ? {} : { activate: ({ path }: LibrarySpec) => kind.activate?.(path) ?? [] }),
    needs: () => kind.needs,
    packages(spec, lock) {
      const listed = new Set(spec.packages);
      const rows = lock?.packages ?? [];
      const seen = rows.map(({ path, name, version }): PackageId => ({
        key: path,
        version,
        name,
        listed: listed.has(`${name}@${version}`),
      }));
      return lock === undefined ? [...listed].sort(byBytes).map(toWished) : seen;
    },
    async observe(spec, root) {
      const packages: PackageId[] = [];
      for (const key of [...(await kind.list(root, spec.path))].sort(byBytes)) {
        const found = await kind.read(root, spec.path, key);
        if (found !== undefined) packages.push({ key, version: found.version, name: found.name });
      }
      return { packages };
    },
    async check(spec, lock, root, { store }) {
      const tree = lock.tree === undefined ? undefined : await storedTree(lock.tree, store);
      if (tree === undefined) return { checked: 0, differing: [], explained: [] };
      const owner = `${kind.type} ${spec.path}`;
      const checked = await checkTree(root, spec.path, tree, owner);
      const packages = await Promise.all(lock.packages.map(async (row) => await kind.read(root, spec.path, row.path)));
      const below = packages.flatMap((one) => one?.paths ?? []).map((path) => posix.join(spec.path, path));
      const scan = { below: [...new Set(below)].sort(byBytes), except: [] };
      const unknown = await findUnknown(root, spec.path, tree, owner, scan);
      return { ...checked, differing: [...checked.differing, ...unknown].sort((a, b) => byBytes(a.path, b.path)) };
    },
  };
}

function toWished(word: string): PackageId {
  const at = word.lastIndexOf('@');
  return at > 0 ? { key: word.slice(0, at), version: word.slice(at + 1) } : { key: word, version: '' };
}

function contentOf({ tree, rest }: LibraryLock): ContentRef[] {
  return [tree, rest].filter((content) => content !== undefined);
}
