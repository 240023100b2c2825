import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { byBytes, UserError } from '../../../model/index.ts';
import type { CreateContext } from '../../../contract/index.ts';
import { getBytes } from '../../../archives/get-bytes.ts';
import { localRoot } from '../../../roots/local.ts';
import { addressesOf } from '../annex/addresses.ts';
import { keyOfPath, keyOfPointer, type AnnexKey } from '../annex/key.ts';
import { readAnnexLogs, type AnnexLogs } from '../annex/logs.ts';
import { isFetchable } from '../address.ts';
import { runGit } from '../git.ts';
import { readObjects, type ObjectReader } from '../read-objects.ts';
import { coreSection, formatRefs, makeGitDir } from './scratch.ts';
import type { AnnexedContent, GitLock, GitSpec } from './spec.ts';

/** Content of which nothing but a download tells the sha256 is held in memory. */
const largest = 512 * 1024 * 1024;

/** The keys of the annexed files that a person wants, at a commit, and the git-annex branch as it is now. */
export async function resolveKeys(
  wish: GitSpec,
  commit: string,
  context: CreateContext,
): Promise<Pick<GitLock, 'annex' | 'keys' | 'refs' | 'filters'>> {
  const { get = [], remote } = wish;
  if (get.length === 0) return {};
  if (remote === undefined || !isFetchable(remote))
    throw new UserError(`${wish.type}: ${wish.path} names no remote that can be asked for ${get[0]}`, { status: 2 });
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'git-'));
  try {
    await makeGitDir(folder, {
      head: 'ref: refs/heads/none\n',
      config: coreSection(new Map(), 'sha1'),
      refs: [],
      shallow: [],
    });
    const branch = '+refs/heads/git-annex:refs/heads/git-annex';
    const fetch = async (refspecs: readonly string[]) =>
      await runGit(
        ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', remote, ...refspecs],
        { gitDir: folder },
        {
          signal: context.signal,
          network: true,
          timeoutMs: 1_800_000,
        },
      );
    // by its id, which not every server gives
    await fetch([commit, branch]).catch(async () => await fetch(['+refs/heads/*:refs/fetched/*', branch]));
    const root = localRoot(folder);
    using objects = await readObjects(root, '/', 'sha1');
    const logs = await readAnnexLogs(root, '/', objects);
    const rows = new Map<string, AnnexedContent>();
    for (const path of get) {
      const { key, unlocked } = await keyAt(wish, commit, path, objects);
      const held = rows.get(key.key);
      const row = held ?? (await rowOf(key, path, wish, logs, context));
      const free = [...(row.unlocked ?? []), ...(unlocked ? [path] : [])].sort(byBytes);
      const paths = [...new Set([...row.paths, path])].sort(byBytes);
      rows.set(key.key, { ...row, paths, ...(free.length === 0 ? {} : { unlocked: free }) });
    }
    const { stdout } = await runGit(
      ['rev-parse', '--verify', 'refs/heads/git-annex'],
      { gitDir: folder },
      { signal: context.signal },
    );
    const refs = formatRefs([{ name: 'refs/heads/git-annex', id: stdout.toString('latin1').trim() }]);
    return {
      annex: 10,
      keys: [...rows.values()].sort((a, b) => byBytes(a.key, b.key)),
      refs: await context.store.add(Buffer.from(refs)),
      filters: ['annex'],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function keyAt(
  wish: GitSpec,
  commit: string,
  path: string,
  objects: ObjectReader,
): Promise<{ readonly key: AnnexKey; readonly unlocked: boolean }> {
  const blob = await objects.blobAt(commit, path);
  const pointer = blob === undefined ? undefined : keyOfPointer(blob);
  const key = pointer ?? (blob === undefined ? undefined : keyOfPath(blob.subarray(0, 4096).toString('utf8')));
  if (key !== undefined) return { key, unlocked: pointer !== undefined };
  throw new UserError(`${wish.type}: ${path} is no annexed file of ${wish.path} at ${commit.slice(0, 12)}`, {
    status: 2,
    hint: blob === undefined ? 'there is no such file' : 'git itself has it: it need not be got',
  });
}

async function rowOf(
  key: AnnexKey,
  path: string,
  wish: GitSpec,
  logs: AnnexLogs,
  context: CreateContext,
): Promise<AnnexedContent> {
  const { urls } = await logs.of(key.key);
  const about = { key: key.key, paths: [path], ...(urls.length === 0 ? {} : { urls }) };
  if (key.digest?.algorithm === 'sha256' && key.size !== undefined)
    return { ...about, sha256: key.digest.hex, size: key.size };
  const tried: string[] = [];
  const surroundings = {
    path: wish.path,
    remotes: { origin: wish.remote ?? '', ...wish.remotes },
    special: logs.special,
  };
  for (const { address } of addressesOf(about, surroundings)) {
    if (!/^https?:/.test(address)) continue;
    try {
      const bytes = await getBytes(address, Math.min(key.size ?? largest, largest), context.signal);
      if (isOfKey(bytes, key)) return { ...about, ...(await context.store.add(bytes)) };
      tried.push(`${address}: has other content`);
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      tried.push(`${address}: ${error.message}`);
    }
  }
  throw new UserError(`${wish.type}: the content of ${path} can be had nowhere`, { details: tried });
}

function isOfKey(bytes: Buffer, { size, digest }: AnnexKey): boolean {
  if (size !== undefined && bytes.length !== size) return false;
  return digest === undefined || createHash(digest.algorithm).update(bytes).digest('hex') === digest.hex;
}
