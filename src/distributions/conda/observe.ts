import { posix } from 'node:path';

import { byBytes, type Difference, type PackageId } from '../../model/index.ts';
import type { Checked, Context, Observed, Root } from '../../contract/index.ts';
import { checkTree } from '../../toolkits/trees/check.ts';
import { storedTree } from '../../toolkits/trees/compose.ts';
import { nameOf } from './history.ts';
import { expectIn, readPrefix } from './prefix.ts';
import type { LinkedPath } from './record.ts';
import type { CondaLock, CondaSpec } from './spec.ts';
import { condaSecrets } from './secrets.ts';
import { isTreeOf } from './tree.ts';
import { normalizeName } from '../../toolkits/python/metadata.ts';

/** Packages of conda by name, with version and build; those of pip as `pip:NAME`. */
export function packages(spec: CondaSpec, lock?: CondaLock): readonly PackageId[] {
  const listed = new Map((spec.packages ?? []).map((word) => [nameOf(word) ?? word, versionOf(word)]));
  const pip = new Map(
    (spec.pip ?? []).map((word) => [pipKey(word.split(/[=<>!~\s[;]/, 1)[0] ?? word), versionOf(word)]),
  );
  if (lock === undefined) {
    return [...listed, ...pip].map(([key, version]) => ({ key, version })).sort((a, b) => byBytes(a.key, b.key));
  }
  const rows = [
    ...lock.packages.map(({ name, version, build }): PackageId => {
      const only = listed.has(name) ? {} : { listed: false };
      return { key: name, version: `${version}=${build}`, ...only };
    }),
    ...(lock.pip ?? []).map(({ name, version }): PackageId => {
      const key = pipKey(name);
      return { key, version, name, ...(pip.has(key) ? {} : { listed: false }) };
    }),
  ];
  return rows.sort((a, b) => byBytes(a.key, b.key));
}

/** The same, as the prefix in a root has it; nothing where there is none. */
export async function observe(spec: CondaSpec, root: Root): Promise<Observed> {
  const { records, pip } = await readPrefix(root, spec.path);
  const found = [
    ...records.map(({ name, version, build }): PackageId => ({ key: name, version: `${version}=${build}` })),
    ...pip.map(({ key, name, version }): PackageId => ({ key, name, version })),
  ];
  return { packages: found.sort((a, b) => byBytes(a.key, b.key)) };
}

/** Every file against the tree that was kept of this very path; without one, against the prefix's own records. */
export async function check(spec: CondaSpec, lock: CondaLock, root: Root, context: Context): Promise<Checked> {
  const tree = lock.tree === undefined ? undefined : await storedTree(lock.tree, context.store);
  expectIn(root, spec.path, new Set(['conda-meta/history', ...(tree ?? []).map(({ path }) => path)]), context);
  if (tree !== undefined && lock.prefix === spec.path && isTreeOf(tree, lock))
    return await checkTree(
      root,
      spec.path,
      tree,
      `conda ${spec.path}`,
      await condaSecrets(
        root,
        spec.path,
        tree.map(({ path }) => path),
      ),
    );
  return await checkRecords(spec.path, root);
}

/** What `conda doctor` and `rattler` would look at: contents by `sha256_in_prefix`, and what is there at all. */
export async function checkRecords(top: string, root: Root): Promise<Checked> {
  const { records } = await readPrefix(root, top);
  const wanted = new Map<string, { readonly owner: string; readonly said: LinkedPath[] }>();
  for (const { name, version, paths } of records) {
    for (const said of paths) {
      if (said.type === 'compiled') continue;
      const one = wanted.get(said.path);
      if (one === undefined) wanted.set(said.path, { owner: `${name} ${version}`, said: [said] });
      else one.said.push(said);
    }
  }
  const paths = [...wanted.keys()].sort(byBytes);
  const full = paths.map((path) => posix.join(top, path));
  const stats = await root.lstat(full);
  const files = full.filter((_, index) => stats[index]?.type === 'file');
  const digests = await root.digest(files, 'sha256');
  const known = new Map(files.map((path, index) => [path, digests[index]]));
  const differing: Difference[] = [];
  for (const [index, path] of paths.entries()) {
    const at = full[index] ?? path;
    const { owner, said } = wanted.get(path) ?? { owner: '', said: [] };
    const stat = stats[index];
    const type = said.some((one) => one.type === 'link')
      ? 'link'
      : said.some((one) => one.type === 'directory')
        ? 'directory'
        : 'file';
    if (stat === undefined) differing.push({ path: at, owner, kind: 'missing' });
    else if (stat.type !== type) differing.push({ path: at, owner, kind: 'type', was: type, is: stat.type });
    else if (type === 'file') {
      const should = said.flatMap(
        (one) => one.sha256InPrefix ?? (one.placeholder === undefined ? one.sha256 : undefined) ?? [],
      );
      const is = known.get(at);
      if (is === undefined) differing.push({ path: at, owner, kind: 'unreadable' });
      else if (should.length > 0 && !should.includes(is))
        differing.push({ path: at, owner, kind: 'changed', was: `sha256:${should[0] ?? ''}`, is: `sha256:${is}` });
    }
  }
  return { checked: paths.length, differing, explained: [] };
}

/** The version that a word names for sure: `1.2` of `numpy==1.2` and of `numpy=1.2`. */
function versionOf(word: string): string {
  return /^[^=<>!~\s[]+\s*={1,2}\s*([^\s=*,|]+)/.exec(word)?.[1] ?? '';
}

function pipKey(name: string): string {
  return `pip:${normalizeName(name)}`;
}
