import { posix } from 'node:path';

import { byBytes } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { cleanAddress, isFetchable } from '../address.ts';
import { lastValue, parseConfig, subsections } from '../config.ts';
import { isRefName } from '../refs.ts';
import type { WorkTree } from '../worktree.ts';
import type { GitState } from './spec.ts';

/** A remote as the configuration has it, its address without secrets. */
export interface Remote {
  readonly name: string;
  readonly address: string;
  /** Whether another machine can be asked there. */
  readonly fetchable: boolean;
}

/** The remotes of a work tree, by name. */
export function remotesOf(tree: WorkTree): readonly Remote[] {
  return subsections(tree.config, 'remote')
    .flatMap((name): Remote[] => {
      const url = lastValue(tree.config, `remote.${name}.url`);
      if (url === undefined || url === '' || url.startsWith('-') || /[\0\n\r]/.test(url)) return [];
      if (!isRefName(`refs/remotes/${name}`) || name.startsWith('-')) return [];
      const address = cleanAddress(url);
      return [{ name, address, fetchable: isFetchable(address) }];
    })
    .sort((a, b) => byBytes(a.name, b.name));
}

/** The ref that the branch follows: `refs/remotes/origin/main`. */
export function upstreamOf(tree: WorkTree): string | undefined {
  const { branch } = tree.head;
  const remote = branch === undefined ? undefined : lastValue(tree.config, `branch.${branch}.remote`);
  const merge = branch === undefined ? undefined : lastValue(tree.config, `branch.${branch}.merge`);
  if (remote === undefined || remote === '.' || merge?.startsWith('refs/heads/') !== true) return undefined;
  const name = `refs/remotes/${remote}/${merge.slice('refs/heads/'.length)}`;
  return isRefName(name) ? name : undefined;
}

/**
 * What stands in the spec of a work tree. `having` are the remotes that have the commit; of a branch that follows the
 * one of the same name, `upstream` in the lock says enough.
 */
export function stateOf(
  tree: WorkTree,
  remotes: readonly Remote[],
  having: ReadonlySet<string>,
  changes: number,
  upstream: string | undefined,
): GitState {
  const followed =
    tree.head.branch === undefined ? undefined : lastValue(tree.config, `branch.${tree.head.branch}.remote`);
  const rank = (remote: Remote) =>
    [having.has(remote.name), remote.fetchable, remote.name === followed, remote.name === 'origin'].reduce(
      (sum, holds) => sum * 2 + Number(holds),
      0,
    );
  const best = [...remotes].sort((a, b) => rank(b) - rank(a) || byBytes(a.name, b.name))[0];
  const only = remotes.length === 1 && best?.name === 'origin';
  const state: GitState = {
    ...(best === undefined ? {} : { remote: best.address }),
    commit: tree.head.commit,
    ...(remotes.length === 0 || only
      ? {}
      : { remotes: Object.fromEntries(remotes.map(({ name, address }) => [name, address])) }),
    ...(changes === 0 ? {} : { changes }),
  };
  const { branch } = tree.head;
  const told = branch === undefined || followedBranch(state, upstream)?.branch === branch;
  return told ? state : { ...state, branch };
}

/** The remote and the branch of it that are followed, by the names that the spec gives remotes. */
export function followedBranch(
  state: GitState,
  upstream: string | undefined,
): { readonly remote: string; readonly branch: string } | undefined {
  const remote = Object.keys(remotesIn(state))
    .filter((name) => upstream?.startsWith(`refs/remotes/${name}/`))
    .toSorted((a, b) => b.length - a.length)[0];
  if (remote === undefined || upstream === undefined) return undefined;
  return { remote, branch: upstream.slice(`refs/remotes/${remote}/`.length) };
}

/** The branch that is checked out. */
export function branchOf(state: GitState, upstream: string | undefined): string | undefined {
  return state.branch ?? followedBranch(state, upstream)?.branch;
}

/** Remotes by name, as a spec has them. */
export function remotesIn(state: GitState): Readonly<Record<string, string>> {
  return state.remotes ?? (state.remote === undefined ? {} : { origin: state.remote });
}

/** The name and the path of every submodule that `.gitmodules` has, by path. */
export async function submoduleNames(root: Root, top: string): Promise<ReadonlyMap<string, string>> {
  const text = await root.readFile(posix.join(top, '.gitmodules'), 1 << 20).catch(() => undefined);
  const config = parseConfig(text?.toString('utf8') ?? '');
  return new Map(
    subsections(config, 'submodule').flatMap((name) => {
      const path = lastValue(config, `submodule.${name}.path`);
      return path === undefined ? [] : [[path, name] as const];
    }),
  );
}
