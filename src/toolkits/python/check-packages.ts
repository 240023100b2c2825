import { byBytes, type Difference } from '../../model/index.ts';
import type { Checked, Root } from '../../contract/index.ts';
import { checkTree } from '../trees/check.ts';
import type { TreeEntry } from '../trees/entries.ts';
import { recordSha256 } from './record.ts';
import { pythonSecrets } from './secrets.ts';
import type { Site } from './site.ts';

/**
 * Files against the packages' own RECORDs, and against the tree that they were in. What is as it was traced, but not as
 * its RECORD has it, had been changed before, and is explained by that.
 */
export async function checkPackages(
  root: Root,
  top: string,
  sites: readonly Site[],
  locked: ReadonlySet<string>,
  tree: readonly TreeEntry[] | undefined,
  owner: string,
): Promise<Checked> {
  const names = (tree ?? []).map(({ path }) => path);
  const cutOf = await pythonSecrets(root, top, names);
  const traced = tree === undefined ? undefined : await checkTree(root, top, tree, owner, cutOf);
  const below = top === '/' ? '/' : `${top}/`;
  const known = new Set(names.map((path) => `${below}${path}`));
  const wrong = new Set([...(traced?.differing ?? []), ...(traced?.explained ?? [])].map(({ path }) => path));
  const recorded = await checkRecords(root, sites, locked);
  const differing: Difference[] = [...(traced?.differing ?? [])];
  const explained: Difference[] = [...(traced?.explained ?? [])];
  let checked = tree?.length ?? 0;
  for (const { path, owner: by, difference } of recorded) {
    if (!known.has(path)) checked += 1;
    if (difference === undefined || wrong.has(path)) continue;
    const one: Difference = { path, owner: by, ...difference };
    if (known.has(path) || tree !== undefined) explained.push({ ...one, explained: 'it was so when it was traced' });
    else differing.push(one);
  }
  const byPath = (a: Difference, b: Difference) => byBytes(a.path, b.path);
  return { checked, differing: differing.sort(byPath), explained: explained.sort(byPath) };
}

interface Recorded {
  readonly path: string;
  readonly owner: string;
  readonly difference?: Pick<Difference, 'kind' | 'was' | 'is'>;
}

/** Every file that a RECORD has a sha256 of. */
async function checkRecords(root: Root, sites: readonly Site[], locked: ReadonlySet<string>): Promise<Recorded[]> {
  const files = sites.flatMap(({ packages }) =>
    packages
      .filter(({ key }) => locked.has(key))
      .flatMap(({ name, version, files: own }) =>
        own.flatMap(({ path, hash }) => {
          const sha256 = recordSha256(hash);
          return sha256 === undefined ? [] : [{ path, sha256, owner: `${name} ${version}` }];
        }),
      ),
  );
  const digests = await root.digest(
    files.map(({ path }) => path),
    'sha256',
  );
  const gone = files.filter((_, index) => digests[index] === undefined).map(({ path }) => path);
  const stats = new Map((await root.lstat(gone)).map((stat, index) => [gone[index], stat]));
  return files.map(({ path, sha256, owner }, index) => {
    const digest = digests[index];
    if (digest === sha256) return { path, owner };
    if (digest !== undefined) {
      return { path, owner, difference: { kind: 'changed', was: `sha256:${sha256}`, is: `sha256:${digest}` } };
    }
    return { path, owner, difference: { kind: stats.get(path) === undefined ? 'missing' : 'unreadable' } };
  });
}
