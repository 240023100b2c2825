/**
 * The process that lays a tree: run by `lay.ts` as root, or as root of a user namespace, with one job on standard
 * input and one answer on standard output. It is a process of its own because namespaces are entered by processes.
 */
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { UserError } from '../../../model/index.ts';
import { writeAll } from '../../../sessions/streams.ts';
import { arrange, writeWork } from './arrange.ts';
import { prepareBytecode } from './bytecode.ts';
import { writeDatabase } from './database.ts';
import { aliasesOf, merge, readControl } from './merge.ts';
import { dropPayload, isWhole, openPayload, payloadOf, type DebFile, type Payload } from './payload.ts';
import { makeFolder, makeLink, openTree, unpack, type Tree, type UnpackJob } from './unpack.ts';

/** What is to be laid. */
export interface LayJob {
  /** The process that waits for the answer; without it nothing is done. */
  readonly parent: number;
  /** An empty folder. */
  readonly root: string;
  /** The folder of payloads. */
  readonly cache: string;
  readonly owners: Tree['owners'];
  /** Every package of the root. */
  readonly debs: readonly DebFile[];
  /** Whether /bin, /sbin, /lib … are links into /usr. */
  readonly merged: boolean;
  /** The native architecture first, then the foreign ones. */
  readonly architectures: readonly string[];
  /** Keys (`name:architecture`) of packages on hold. */
  readonly holds: readonly string[];
}

export type Owned = readonly [path: string, uid: number, gid: number];

export type LayAnswer =
  /** `pythons`: versions whose byte-compilation was prepared (`3.11`). `controls`: control files, in the job's order. */
  | { readonly owned: readonly Owned[]; readonly pythons: readonly string[]; readonly controls: readonly string[] }
  /** `broken`: a payload was, and is thrown away. */
  | { readonly error: string; readonly hint?: string; readonly broken?: boolean };

/** What every thread of this process does: its share of the work, taken by a shared counter. */
type Task =
  | { readonly kind: 'payloads'; readonly debs: readonly DebFile[]; readonly cache: string; readonly next: Int32Array }
  | {
      readonly kind: 'unpack';
      readonly jobs: readonly UnpackJob[];
      readonly root: string;
      readonly owners: Tree['owners'];
      readonly next: Int32Array;
    };
type Done = { readonly owned: readonly Owned[] } | Extract<LayAnswer, { readonly error: string }>;

let parent = workerData as number | undefined;

if (!isMainThread) serve();
else await main();

async function main(): Promise<void> {
  process.umask(0);
  const answer = await guarded(() => layOrAgain(JSON.parse(readFileSync(0, 'utf8')) as LayJob));
  writeAll(1, JSON.stringify(answer)); // threads made the pipe one that does not wait
  process.exit(0);
}

/** A broken payload is seen only when it is unpacked: the tree is then emptied, and laid from a new one. */
async function layOrAgain(job: LayJob): Promise<LayAnswer> {
  parent = job.parent;
  endWithParent();
  setInterval(endWithParent, 200).unref();
  const threads = startThreads(Math.min(8, availableParallelism()) - 1);
  const answer = await lay(job, threads);
  if (!('error' in answer) || answer.broken !== true) return answer;
  for (const name of readdirSync(job.root)) rmSync(join(job.root, name), { recursive: true, force: true });
  return await lay(job, threads);
}

async function lay(job: LayJob, threads: readonly Thread[]): Promise<LayAnswer> {
  const payloads = await allPayloads(job, threads);
  const all = job.debs.map((deb, index) => readControl(deb, payloads[index] as Payload));
  const { now: laid, ...later } = arrange(all);
  const merged = merge(laid, job.merged ? aliasesOf(laid) : new Map());
  const owned: Owned[] = [];
  const tree = openTree(job.root, job.owners, (path, uid, gid) => owned.push([path, uid, gid]));
  for (const [path, target] of merged.links) makeLink(path, target, tree);
  for (const { path, mode, uid, gid } of merged.directories) makeFolder(path, mode, uid, gid, tree);
  const jobs = laid
    .map(({ deb, payload: { file, size, crc } }, index): UnpackJob => {
      return { what: `${deb.name} ${deb.version}`, file, size, crc, skip: [...(merged.skip[index] ?? [])] };
    })
    .sort((a, b) => b.size - a.size);
  const task: Task = { kind: 'unpack', jobs, root: job.root, owners: job.owners, next: counter() };
  const others = threads.map((thread) => thread(task));
  const holds = new Set(job.holds);
  writeDatabase(job.root, laid, merged.skip, { holds, architectures: job.architectures });
  writeWork(job.root, later, holds);
  const answers = [await guarded(() => perform(task, tree)), ...(await Promise.all(others))];
  for (const answer of answers) {
    if ('error' in answer) return answer;
    owned.push(...answer.owned);
  }
  return { owned, pythons: prepareBytecode(job.root, laid), controls: all.map(({ control }) => control) };
}

async function allPayloads({ debs, cache }: LayJob, threads: readonly Thread[]): Promise<Payload[]> {
  const found = debs.map((deb) => openPayload(deb, cache));
  const missing = debs.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) {
    const task: Task = { kind: 'payloads', debs: missing, cache, next: counter() };
    const others = threads.map((thread) => thread(task));
    for (const answer of [await guarded(() => perform(task)), ...(await Promise.all(others))]) {
      if ('error' in answer) throw new UserError(answer.error, answer.hint === undefined ? {} : { hint: answer.hint });
    }
  }
  return await Promise.all(debs.map(async (deb, index) => found[index] ?? (await payloadOf(deb, cache))));
}

/** Does one item after the other of those that no thread has taken yet. */
async function perform(task: Task, into?: Tree): Promise<Done> {
  if (task.kind === 'payloads') {
    for (const deb of taken(task.debs, task.next)) await payloadOf(deb, task.cache);
    return { owned: [] };
  }
  const owned: Owned[] = [];
  const tree = into ?? openTree(task.root, task.owners, (path, uid, gid) => owned.push([path, uid, gid]));
  for (const job of taken(task.jobs, task.next)) {
    const fd = openSync(job.file, 'r');
    try {
      unpack(job, fd, tree);
    } catch (error) {
      if (isWhole(job, fd)) throw error;
      dropPayload(job.file);
      return { error: `the cached payload of ${job.what} was broken`, broken: true };
    } finally {
      closeSync(fd);
    }
  }
  return { owned };
}

function* taken<T>(items: readonly T[], next: Int32Array): Generator<T, void, undefined> {
  for (let at = Atomics.add(next, 0, 1); at < items.length; at = Atomics.add(next, 0, 1)) {
    endWithParent();
    yield items[at] as T;
  }
}

/** Whoever wanted the tree was killed: nobody will take it away while we write. */
function endWithParent(): void {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}

function counter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

async function guarded<T>(doing: () => Promise<T>): Promise<T | Extract<LayAnswer, { readonly error: string }>> {
  try {
    return await doing();
  } catch (error) {
    if (error instanceof UserError) {
      return { error: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { error: message };
  }
}

type Thread = (task: Task) => Promise<Done>;

function startThreads(count: number): Thread[] {
  return Array.from({ length: count }, () => {
    const worker = new Worker(new URL(import.meta.url), { stdout: false, workerData: parent });
    return async (task: Task) => {
      const { promise, resolve, reject } = Promise.withResolvers<Done>();
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.postMessage(task);
      return await promise;
    };
  });
}

function serve(): void {
  parentPort?.on('message', (task: Task) => {
    void guarded(() => perform(task)).then((done) => parentPort?.postMessage(done));
  });
}
