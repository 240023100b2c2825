import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { LaidRoot } from '../../../contract/index.ts';
import { UserError, type OnProgress } from '../../../model/index.ts';
import { appendManifest } from '../../../roots/manifest.ts';
import { enclose } from '../../../sessions/confined.ts';
import { openParameters } from '../../../sessions/enter.ts';
import { findMapping, mapArgv } from '../../../sessions/mapped.ts';
import { runProcess } from '../../../sessions/process.ts';
import type { AptLock } from '../spec.ts';
import { configure, finish } from './configure.ts';
import { generateLists, listsTar } from './lists.ts';
import type { DebFile } from './payload.ts';
import { preparePretence, pretendedOwners } from './pretend-owners.ts';
import type { LayAnswer, LayJob } from './worker.ts';

/** How a root is laid. */
export interface LayOptions {
  /** Whether /bin, /sbin, /lib … are links into /usr before anything is unpacked. */
  readonly merged: boolean;
  /** The native architecture first, then the foreign ones. */
  readonly architectures: readonly string[];
  /** Keys (`name:architecture`) of packages on hold. */
  readonly holds: readonly string[];
  /** The lock that apt's lists are generated from; its packages are in the order of `debs`. */
  readonly lists?: AptLock;
  /** A folder of payloads: packages decompressed once. */
  readonly cache: string;
  /** Says that confinement of maintainer scripts may be missing. */
  readonly trusted: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/**
 * Lays a Debian root from exactly these packages into `directory`, which must be empty or missing: unpacked in
 * parallel by a process of ours, configured by the dpkg that is among them, confined, with nothing started. As an
 * ordinary user it is done in a user namespace; without subordinate ids, owners go to the manifest beside the folder
 * (`DIRECTORY.manifest`). What fails leaves the folder as it is: the caller removes it.
 */
export async function layRoot(debs: readonly DebFile[], directory: string, options: LayOptions): Promise<LaidRoot> {
  prepareFolder(directory);
  const mapping = findMapping();
  const job: LayJob = {
    parent: process.pid,
    root: directory,
    cache: options.cache,
    owners: mapping.kind === 'single' ? 'manifest' : 'real',
    debs,
    merged: options.merged,
    architectures: options.architectures,
    holds: options.holds,
  };
  mkdirSync(options.cache, { recursive: true });
  const answer = await unpackAll(job, options);
  if ('error' in answer) throw new UserError(answer.error, answer.hint === undefined ? {} : { hint: answer.hint });
  options.onProgress({ step: 'create', what: 'configure', done: 0, total: debs.length, unit: 'packages' });
  await using session = await enclose(
    {
      root: directory,
      level: options.trusted ? 'trusted' : 'confined',
      network: 'none',
      mounts: [],
      hostname: 'localhost',
      watched: true,
    },
    options.signal,
  );
  const pretends = job.owners === 'manifest';
  const under = pretends ? await preparePretence(directory) : [];
  await configure(answer.pythons, session, options.signal, under);
  const owned = pretends ? pretendedOwners(directory, answer.owned) : [];
  await finish(session, options.signal, !pretends);
  const hasApt = debs.some(({ name }) => name === 'apt');
  if (options.lists !== undefined && hasApt) {
    const files = generateLists(options.lists, answer.controls);
    if (files.length > 0) await session.untar(toAsync(listsTar(files)), '/');
  }
  if (!pretends) return { directory };
  const manifest = `${directory}.manifest`;
  await appendManifest(
    manifest,
    owned.map(([path, uid, gid]) => ({ path, uid, gid })),
  );
  return { directory, manifest };
}

async function unpackAll(job: LayJob, { signal, onProgress }: LayOptions): Promise<LayAnswer> {
  onProgress({ step: 'create', what: 'unpack', done: 0, total: job.debs.length, unit: 'packages' });
  const mapped = mapArgv(findMapping(), [process.execPath, '--no-warnings', workerFile()]);
  using parameters = openParameters(mapped.fields);
  const result = await runProcess(mapped.argv, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    cwd: '/',
    input: JSON.stringify(job),
    signal,
    limit: 512 * 1024 * 1024,
    descriptors: mapped.fields.length === 0 ? [] : [parameters.descriptor],
  });
  return JSON.parse(result.stdout.toString('utf8')) as LayAnswer;
}

async function* toAsync(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** The worker's own file: beside this one in the checkout, or its bundle. */
function workerFile(): string {
  const name = import.meta.url.endsWith('.ts') ? './worker.ts' : './lay-worker.js';
  return fileURLToPath(new URL(name, import.meta.url));
}

function prepareFolder(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) mkdirSync(directory, { recursive: true, mode: 0o755 });
  else if (!found.isDirectory() || readdirSync(directory).length > 0) {
    throw new UserError(`cannot lay a root into ${directory}: it is not an empty folder`);
  }
  rmSync(`${directory}.manifest`, { force: true });
}
