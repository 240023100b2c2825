import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { byBytes, UserError, type ContentRef } from '../../../model/index.ts';
import type { CreateContext, Missing, Obtained } from '../../../contract/index.ts';
import { parseTree, type TreeEntry } from '../../trees/entries.ts';
import { obtainContents } from './contents.ts';
import { makeWorkTree } from './make.ts';
import { packWorkTree } from './pack.ts';
import { readStored } from './stored.ts';
import type { GitLock, GitSpec } from './spec.ts';
import type { Wish } from './wish.ts';

type Prepared = Obtained & { readonly made: Readonly<Record<string, ContentRef>> };

/**
 * Makes the work tree again, with its `.git`, from what is stored, from a repository at the same place on this machine
 * (one's own trace only), or from a remote; and packs it as `tree`. The ids of objects are those of the commit,
 * wherever they come from.
 */
export async function prepare(spec: GitSpec, lock: GitLock, context: CreateContext): Promise<Prepared> {
  const contents = await obtainContents(spec, lock, context);
  if (contents.missing.length > 0) return { ...contents, made: {} };
  if (lock.archive !== undefined)
    return { from: { stored: 1 }, refused: [], missing: [], made: { tree: lock.archive } };
  const commit = spec.commit ?? lock.commit;
  if (commit === undefined) {
    throw new UserError(`${spec.type}: no commit is named for ${spec.path}`, {
      status: 2,
      hint: 'type: repronim resolve FILE',
    });
  }
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'git-'));
  const from: Record<string, number> = { ...contents.from };
  const missing: Missing[] = [];
  try {
    const tree = await readTree(lock, context);
    for (const wish of wishes(spec, lock, commit)) {
      const origin = await makeWorkTree(spec.path, wish, folder, tree, context);
      if (typeof origin === 'string') from[origin] = (from[origin] ?? 0) + 1;
      else missing.push(origin);
    }
    const { refused } = contents;
    if (missing.length > 0) return { from, refused, missing, made: {} };
    return { from, refused, missing, made: { tree: await packWorkTree(folder, tree, commit, context) } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readTree(lock: GitLock, context: CreateContext): Promise<readonly TreeEntry[] | undefined> {
  if (lock.tree === undefined) return undefined;
  const tree = parseTree(await readStored(lock.tree, context));
  if (tree === undefined) throw new UserError(`the list of files ${lock.tree.sha256} is not one`, { status: 2 });
  return tree;
}

/** The project first, then its submodules, outer ones before inner ones. */
function wishes(spec: GitSpec, lock: GitLock, commit: string): Wish[] {
  const contents = new Map((lock.submodules ?? []).map((one) => [one.path, one]));
  const submodules = (spec.submodules ?? []).filter((one) => one.commit !== undefined);
  const paths = submodules.map(({ path }) => path).sort(byBytes);
  const inside = (outer: string) =>
    paths
      .filter((path) => parentOf(path, paths) === outer)
      .map((path) => ({
        name: contents.get(path)?.name ?? path.slice(outer === '' ? 0 : outer.length + 1),
        remote: submodules.find((one) => one.path === path)?.remote,
      }));
  const { annex, uuids = {}, keys = [] } = lock;
  const own: Wish = {
    content: lock,
    path: '',
    commit,
    state: spec,
    submodules: inside(''),
    ...(annex === undefined ? {} : { annex: { version: annex, uuids, keys } }),
  };
  return [
    own,
    ...paths.map((path): Wish => {
      const state = submodules.find((one) => one.path === path) ?? { path };
      return { content: contents.get(path) ?? {}, path, commit: state.commit ?? '', state, submodules: inside(path) };
    }),
  ];
}

/** The innermost of these paths that `path` lies in; `''` where it is none of them. */
function parentOf(path: string, paths: readonly string[]): string {
  return paths.filter((other) => path.startsWith(`${other}/`)).sort((a, b) => b.length - a.length)[0] ?? '';
}
