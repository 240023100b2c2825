import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError } from '../../../model/index.ts';
import type { CreateContext } from '../../../contract/index.ts';
import { isFetchable } from '../address.ts';
import { runGit } from '../git.ts';
import { resolveKeys } from './resolve-keys.ts';
import { coreSection, makeGitDir } from './scratch.ts';
import type { GitLock, GitSpec } from './spec.ts';
import { branchOf } from './state.ts';

/** A loose entry to a commit: its own, the one that is held, else where its branch (or the remote's HEAD) is now. */
export async function resolve(
  wish: GitSpec,
  held: GitLock | undefined,
  context: CreateContext,
  renew: boolean | readonly string[],
): Promise<Omit<GitLock, 'of'>> {
  const moves = typeof renew === 'boolean' ? renew : renew.includes(wish.path);
  const commit = wish.commit ?? (moves ? undefined : held?.commit);
  if (commit !== undefined) {
    const there = new Set(held?.keys?.flatMap(({ paths }) => paths));
    const keys = (wish.get ?? []).every((path) => there.has(path)) ? {} : await resolveKeys(wish, commit, context);
    return { ...(held === undefined ? {} : withoutOf(held)), ...keys };
  }
  const { remote } = wish;
  if (remote === undefined || !isFetchable(remote)) {
    throw new UserError(`${wish.type}: ${wish.path} names neither a commit nor a remote that can be asked`, {
      status: 2,
      hint: 'add "remote: https://…" or "commit: …"',
    });
  }
  const newest = await askRemote(remote, branchOf(wish, held?.upstream), context);
  // of a branch that the lock alone names: it goes on to
  const { upstream } = wish.branch === undefined ? (held ?? {}) : {};
  return {
    commit: newest,
    ...(upstream === undefined ? {} : { upstream }),
    ...(await resolveKeys(wish, newest, context)),
  };
}

async function askRemote(remote: string, branch: string | undefined, context: CreateContext): Promise<string> {
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'git-'));
  try {
    await makeGitDir(folder, {
      head: 'ref: refs/heads/none\n',
      config: coreSection(new Map(), 'sha1'),
      refs: [],
      shallow: [],
    });
    const name = branch === undefined ? 'HEAD' : `refs/heads/${branch}`;
    const { stdout } = await runGit(
      ['ls-remote', '--quiet', '--', remote, name],
      { gitDir: folder },
      {
        signal: context.signal,
        network: true,
        timeoutMs: 120_000,
      },
    );
    const line = stdout
      .toString('utf8')
      .split('\n')
      .find((one) => one.endsWith(`\t${name}`));
    const commit = line?.slice(0, line.indexOf('\t')) ?? '';
    if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return commit;
    throw new UserError(`git: ${remote} has no ${branch === undefined ? 'HEAD' : `branch ${branch}`}`, { status: 2 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function withoutOf(held: GitLock): Omit<GitLock, 'of'> {
  return Object.fromEntries(Object.entries(held).filter(([key]) => key !== 'of'));
}
