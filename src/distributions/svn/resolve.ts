import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { runSvn } from './run.ts';
import type { SvnLock, SvnSpec } from './spec.ts';

/** A loose entry to a revision: its own, the one that is held, else the newest that changed something there. */
export async function resolve(
  wish: SvnSpec,
  held: SvnLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
): Promise<Omit<SvnLock, 'of'>> {
  const moves = renew === true || renew.includes(wish.path) || renew.includes(wish.url);
  const kept = held === undefined ? {} : Object.fromEntries(Object.entries(held).filter(([key]) => key !== 'of'));
  if (wish.revision !== undefined) return kept;
  if (held?.revision !== undefined && !moves) return kept;
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'svn-'));
  try {
    const args = ['info', '--show-item=last-changed-revision', '--revision=HEAD', '--', `${wish.url}@HEAD`];
    const revision = (await runSvn(args, wish.url, folder, context)).stdout.toString('utf8').trim();
    if (!/^\d{1,12}$/.test(revision)) throw new UserError(`svn: ${wish.url} has no revision`, { status: 2 });
    return { revision };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
