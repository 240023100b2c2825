import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { UserError } from '../../../model/index.ts';
import type { CreateContext, Missing, Obtained, Source, Wanted } from '../../../contract/index.ts';
import { lowerFolder } from '../annex/key.ts';
import { addressesOf } from '../annex/addresses.ts';
import { formatSection } from '../config.ts';
import { runGit } from '../git.ts';
import { coreSection, makeGitDir } from './scratch.ts';
import type { AnnexedContent, GitLock, GitSpec } from './spec.ts';
import { remotesIn } from './state.ts';

/** Annexed content that no bundle must have: from this machine, from the web, from remotes; each by its sha256. */
export async function obtainContents(spec: GitSpec, lock: GitLock, context: CreateContext): Promise<Obtained> {
  const wanted = (lock.keys ?? []).filter(({ kept }) => kept !== true);
  if (wanted.length === 0) return { from: {}, refused: [], missing: [] };
  const rows = new Map(wanted.map((row) => [row.sha256, row]));
  const got = await context.fetch([...rows.values()].map((row) => toWanted(row, spec, context)));
  if (got.missing.length === 0 || !context.trusted) return got;
  const from = { ...got.from };
  const missing: Missing[] = [];
  for (const one of got.missing) {
    const row = rows.get(one.sha256);
    const tried = row === undefined ? [] : await getByAnnex(row, spec, lock, context);
    if (tried === 'got') from['git-annex'] = (from['git-annex'] ?? 0) + 1;
    else missing.push({ ...one, tried: [...one.tried, ...tried] });
  }
  return { from, refused: got.refused, missing };
}

/** What is asked of the store, and of archives, for one content. */
export function toWanted(row: AnnexedContent, spec: GitSpec, { trusted }: Pick<CreateContext, 'trusted'>): Wanted {
  const { sha256, size, key, paths } = row;
  return {
    sha256,
    size,
    what: `${paths[0] ?? key} of ${spec.path}`,
    async *sources(): AsyncGenerator<Source> {
      const places = addressesOf(row, {
        path: spec.path,
        remotes: remotesIn(spec),
        special: spec.special ?? [],
        ...(spec.dataset === undefined ? {} : { dataset: spec.dataset }),
      });
      for (const { kind, address } of places) {
        if (/^https?:/.test(address)) yield { kind, label: address, url: address };
        // a stranger's spec names no path here
        else if (trusted) yield { kind: 'this machine', label: address, file: address };
      }
    },
  };
}

/**
 * By git-annex itself over ssh, in a repository of ours: no hook, no configuration and no special remote of the traced
 * one is in force there. Only for what one trusts.
 */
async function getByAnnex(
  row: AnnexedContent,
  spec: GitSpec,
  lock: GitLock,
  context: CreateContext,
): Promise<'got' | Missing['tried']> {
  const remotes = Object.entries(remotesIn(spec)).filter(
    ([name, address]) =>
      (row.at ?? []).includes(name) &&
      !/^https?:/.test(address) &&
      !address.startsWith('/') &&
      !address.startsWith('-'),
  );
  const tried: Missing['tried'][number][] = [];
  for (const [name, url] of remotes) {
    await mkdir(context.work, { recursive: true });
    const folder = await mkdtemp(join(context.work, 'annex-'));
    try {
      const uuid = lock.uuids?.[name];
      const config = [
        coreSection(new Map(), 'sha1').replace('bare = false', 'bare = true'),
        formatSection('annex', undefined, {
          uuid: '00000000-0000-5000-8000-000000000000',
          version: String(lock.annex ?? 10),
        }),
        formatSection('remote', name, {
          url,
          fetch: `+refs/heads/*:refs/remotes/${name}/*`,
          ...(uuid === undefined ? {} : { 'annex-uuid': uuid }),
        }),
      ];
      await makeGitDir(folder, { head: 'ref: refs/heads/none\n', config: config.join(''), refs: [], shallow: [] });
      const place = { gitDir: folder };
      const options = { signal: context.signal, network: true, timeoutMs: 1_800_000 };
      await runGit(
        ['fetch', '--quiet', '--no-tags', '--', url, `+refs/heads/git-annex:refs/remotes/${name}/git-annex`],
        place,
        options,
      );
      await runGit(['annex', 'get', '--quiet', `--from=${name}`, `--key=${row.key}`], place, options);
      const object = posix.join(folder, 'annex/objects', lowerFolder(row.key), row.key, row.key);
      if ((await context.store.addFile(object)).sha256 === row.sha256) return 'got';
      tried.push({ label: url, because: 'has other content' });
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      tried.push({ label: url, because: error instanceof UserError ? error.message : 'git-annex got nothing' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return tried;
}
