import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError, type OnProgress } from '../model/index.ts';
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
  const worker = async () => {
    for (const want of queue) await one(want);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
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

/** Into a file beside, resumed where the line breaks; never more than the size that was recorded. */
async function download(url: string, want: Wanted, options: FetchOptions): Promise<void> {
  const file = join(options.work, `${want.sha256}-${randomUUID()}`);
  const handle = await open(file, 'wx', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for (let breaks = 0; size < want.size || size === 0;) {
      const response = await get(url, { signal: options.signal, from: size });
      if (size > 0 && response.status !== 206) throw new UserError('broke off, and cannot be resumed');
      try {
        for await (const chunk of response.body ?? []) {
          size += chunk.length;
          if (size > want.size) throw new WrongContent(`of more than ${want.size} bytes`);
          hash.update(chunk);
          await handle.writeFile(chunk);
        }
        break;
      } catch (error) {
        if (error instanceof UserError || options.signal.aborted || (breaks += 1) > 3) throw error;
      }
    }
    const digest = hash.digest('hex');
    if (digest !== want.sha256) throw new WrongContent(size < want.size ? `of ${size} bytes` : digest);
    await handle.close();
    await options.store.addFile(file);
  } finally {
    await handle.close().catch(() => {});
    await rm(file, { force: true });
  }
}

function because(error: unknown, source: Source): string {
  if (error instanceof Error) return error.message;
  return `failed (${source.kind})`;
}
