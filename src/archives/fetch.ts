import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isDiskFull, UserError, type OnProgress } from '../model/index.ts';
import type { Missing, Obtained, Source, Store, Wanted } from '../contract/index.ts';
import { get } from './http.ts';
import { digestFile } from './store.ts';
import { isSnapshotHost, snapshotTurns, takeTurns, type Turns } from './turns.ts';

export interface FetchOptions {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** A folder for what is half fetched; it is removed by the caller. */
  readonly work: string;
  /** Connections to one host at a time. Default 4; snapshot services are asked with 2. */
  readonly connections?: number;
  /** Milliseconds without a byte after which a line counts as broken. Default a minute. */
  readonly patience?: number;
}

type Tried = { label: string; because: string };
type Refusal = Obtained['refused'][number];

/**
 * Brings content into the store: what is there already (checked again: a disk may have flipped a bit), else from the
 * first of its sources that has it. Everything is checked against its sha256; other content is refused and named.
 * What can't be had is data in the answer, with every place that was tried.
 */
export async function fetchAll(wanted: readonly Wanted[], options: FetchOptions): Promise<Obtained> {
  const from: Record<string, number> = {};
  const missing: Missing[] = [];
  const refused: Refusal[] = [];
  const hosts = takeTurns(options.connections ?? 4);
  let done = 0;
  const total = wanted.length;
  await mkdir(options.work, { recursive: true });

  const one = async (want: Wanted): Promise<void> => {
    options.signal.throwIfAborted();
    const tried: Tried[] = [];
    const kind = await obtain(want, tried, refused, hosts, options);
    if (kind === undefined) missing.push({ what: want.what, sha256: want.sha256, tried });
    else from[kind] = (from[kind] ?? 0) + 1;
    options.onProgress({ step: 'fetch', what: want.what, done: (done += 1), total, unit: 'packages' });
  };

  const queue = wanted.values();
  let isOver = false;
  const worker = async () => {
    for (const want of queue) if (!isOver) await one(want);
  };
  const ends = await Promise.allSettled(
    Array.from({ length: 6 }, async () => {
      try {
        await worker();
      } finally {
        isOver = true; // the last has been begun; or one has failed, and nobody writes any more when that is said
      }
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  missing.sort((a, b) => (a.what < b.what ? -1 : 1));
  return { from, missing, refused };
}

async function obtain(
  want: Wanted,
  tried: Tried[],
  refused: Refusal[],
  hosts: Turns,
  options: FetchOptions,
): Promise<string | undefined> {
  const stored = await options.store.find(want.sha256);
  if (stored !== undefined) {
    const { digest } = await digestFile(stored);
    if (digest === want.sha256) return 'stored';
    refused.push({ what: want.what, label: 'the store', sha256: want.sha256, got: digest });
    await options.store.remove(want.sha256);
  }
  for await (const source of want.sources()) {
    options.signal.throwIfAborted();
    try {
      if (source.file !== undefined) await takeFile(source.file, want, options.store);
      else if (source.url !== undefined) {
        const { url } = source;
        const { host } = new URL(url);
        const turns = source.kind === 'snapshot' || isSnapshotHost(host) ? snapshotTurns : hosts;
        await turns(host, () => download(url, want, options));
      }
      return source.kind;
    } catch (error) {
      options.signal.throwIfAborted();
      if (isDiskFull(error)) throw error; // no other source would change that
      if (error instanceof WrongContent) {
        refused.push({ what: want.what, label: source.label, sha256: want.sha256, got: error.got });
      }
      tried.push({ label: source.label, because: because(error, source) });
    }
  }
  return undefined;
}

class WrongContent extends UserError {
  readonly got: string;
  constructor(got: string) {
    super(`has other content (sha256 ${got.slice(0, 12)}…)`);
    this.got = got;
  }
}

async function takeFile(file: string, want: Wanted, store: Store): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw new UserError('not there');
  if (found.size !== want.size) throw new WrongContent(`of ${found.size} bytes`);
  const { digest } = await digestFile(file);
  if (digest !== want.sha256) throw new WrongContent(digest);
  const added = await store.addFile(file);
  if (added.sha256 !== want.sha256) throw new WrongContent(added.sha256);
}

/**
 * Into a file beside, resumed where the line breaks or nothing comes any more, begun again where a server has no rest to
 * give; never more than the size that was recorded.
 */
async function download(url: string, want: Wanted, options: FetchOptions): Promise<void> {
  const file = join(options.work, `${want.sha256}-${randomUUID()}`);
  let part = await openPart(file);
  try {
    for (let breaks = 0; ;) {
      const stalled = new AbortController();
      const signal = AbortSignal.any([options.signal, stalled.signal]);
      const response = await get(url, { signal, from: part.size });
      if (part.size > 0 && response.status !== 206) {
        await part.handle.close();
        part = await openPart(file);
      }
      const late = () => stalled.abort(new Error('nothing comes any more'));
      const timer = setTimeout(late, options.patience ?? 60_000);
      try {
        for await (const chunk of response.body ?? []) {
          timer.refresh();
          part.size += chunk.length;
          if (part.size > want.size) throw new WrongContent(`of more than ${want.size} bytes`);
          part.hash.update(chunk);
          await part.handle.writeFile(chunk);
        }
        break;
      } catch (error) {
        if (error instanceof UserError || isDiskFull(error) || options.signal.aborted || (breaks += 1) > 3) throw error;
      } finally {
        clearTimeout(timer);
      }
    }
    const digest = part.hash.digest('hex');
    if (digest !== want.sha256) throw new WrongContent(part.size < want.size ? `of ${part.size} bytes` : digest);
    await part.handle.close();
    await options.store.addFile(file);
  } finally {
    await part.handle.close().catch(() => {});
    await rm(file, { force: true });
  }
}

async function openPart(file: string) {
  return { handle: await open(file, 'w', 0o600), hash: createHash('sha256'), size: 0 };
}

function because(error: unknown, source: Source): string {
  if (error instanceof Error) return error.message;
  return `failed (${source.kind})`;
}
