import { posix } from 'node:path';

import { byBytes, isSecretPath, type Note } from '../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../contract/index.ts';
import { keepTree } from '../../toolkits/trees/compose.ts';
import { cleanAddress } from '../../toolkits/vcs/address.ts';
import { brokenCopies, copyAt } from './claim.ts';
import type { WorkingCopy } from './database.ts';
import { changedPaths } from './status.ts';
import type { SvnLock, SvnSpec } from './spec.ts';

/** Working copies up to this size are kept. */
const largest = 16 * 1024 ** 3;

type One = Description<SvnSpec, SvnLock>['distributions'][number];

/** Each working copy whose files were used: whole, with its `.svn`. */
export async function describe(
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<SvnSpec, SvnLock>> {
  const tops = new Set<string>();
  for (const owners of owned.values()) for (const { key } of owners) tops.add(key);
  const distributions: One[] = [];
  const notes: Note[] = [];
  for (const top of [...tops].sort(byBytes)) {
    const copy = await copyAt(root, top, context);
    if (copy !== undefined) distributions.push(await describeCopy(root, top, copy, context, notes));
  }
  const broken = [...brokenCopies(root)].map(([path, because]): Note => ({
    kind: 'unreadable',
    path,
    text: `the .svn in ${path} is not recorded: ${because}; files there count as owned by nobody`,
  }));
  return { distributions, notes: [...broken.sort((a, b) => byBytes(a.text, b.text)), ...notes] };
}

async function describeCopy(
  root: Root,
  top: string,
  copy: WorkingCopy,
  context: TraceContext,
  notes: Note[],
): Promise<One> {
  const changes = (await changedPaths(root, top, copy)).length;
  const revision = revisionOf(copy);
  return {
    spec: {
      type: 'svn',
      path: top,
      url: cleanAddress(copy.url),
      ...(revision === undefined ? {} : { revision }),
      uuid: copy.uuid,
      ...(changes === 0 ? {} : { changes }),
      ...(copy.externals.length === 0
        ? {}
        : { externals: copy.externals.map((one) => ({ ...one, url: cleanAddress(one.url) })) }),
    },
    lock: { root: cleanAddress(copy.root), ...(await keepCopy(root, top, copy, context, notes)) },
    instance: top,
    summary: '1 Subversion working copy',
  };
}

/** As svnversion has it: one revision, or the lowest and the highest. */
export function revisionOf({ nodes }: WorkingCopy): string | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = -1;
  for (const { revision } of nodes) {
    if (revision === undefined) continue;
    low = Math.min(low, revision);
    high = Math.max(high, revision);
  }
  if (high < 0) return undefined;
  return low === high ? String(high) : `${low}:${high}`;
}

/** Everything in `.svn`, and of the versioned files those that differ from the repository's texts there. */
async function keepCopy(
  root: Root,
  top: string,
  { nodes }: WorkingCopy,
  { store, keep }: TraceContext,
  notes: Note[],
): Promise<Pick<SvnLock, 'tree' | 'rest' | 'files' | 'size'>> {
  if (!keep) return {};
  const own: string[] = [];
  let size = 0;
  for await (const entry of root.scan({ below: [posix.join(top, '.svn')], digests: [] })) {
    own.push(entry.path);
    size += entry.size ?? 0;
  }
  const here = nodes.filter(({ gone }) => !gone).map(({ path }) => posix.join(top, path));
  const secret = here.filter(isSecretPath);
  for (const path of secret) notes.push({ kind: 'left', path, text: `${path} is not kept: it is a place for secrets` });
  const versioned = here.filter((path) => !isSecretPath(path));
  for (const stat of await root.lstat(versioned)) size += stat?.type === 'file' ? stat.size : 0;
  if (size > largest) {
    notes.push({
      kind: 'partial',
      path: top,
      text: `${top} is not kept: it has ${size} bytes; it is checked out again`,
    });
    return {};
  }
  const supplied = new Map<string, string>();
  const texts = nodes.filter(({ kind, sha1, altered }) => kind === 'file' && sha1 !== undefined && !altered);
  const pristine = texts.map(({ sha1 = '' }) => posix.join(top, pristinePath(sha1)));
  const digests = await root.digest(pristine, 'sha256');
  for (const [index, { path }] of texts.entries()) {
    const digest = digests[index];
    if (digest !== undefined) supplied.set(path, digest);
  }
  const kept = await keepTree(root, top, [...own, ...versioned], supplied, store);
  notes.push(...kept.notes);
  return {
    tree: kept.tree,
    ...(kept.rest === undefined ? {} : { rest: kept.rest }),
    files: kept.files,
    size: kept.size,
  };
}

/** Where the repository's text of a file lies, below the working copy's top. */
function pristinePath(sha1: string): string {
  return `.svn/pristine/${sha1.slice(0, 2)}/${sha1}.svn-base`;
}
