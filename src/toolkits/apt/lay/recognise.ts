import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { get } from '../../../archives/http.ts';
import { snapshotSources } from '../../../archives/snapshot.ts';
import { snapshotTurns } from '../../../archives/turns.ts';
import type { CreateContext, Store } from '../../../contract/index.ts';
import { UserError, type ContentRef } from '../../../model/index.ts';
import { parseSums } from '../read/sums.ts';
import type { AptLock, AptPackage, AptSpec } from '../spec.ts';
import { archiveOf, snapshots } from './archives.ts';
import { withDeb } from './deb.ts';

const sizeLimit = 2 * 1024 ** 3;

/** The .deb that stands for a locked package: its own, or the archive's that was recognised as the same. */
export async function foundAs(one: AptPackage, store: Store): Promise<ContentRef> {
  const own = { sha256: one.sha256, size: one.size };
  if (one.repacked !== true || (await store.find(one.sha256)) !== undefined) return own;
  try {
    const held = JSON.parse(await readFile(noteFile(one, store), 'utf8')) as Partial<ContentRef>;
    const { sha256 = '', size = 0 } = held;
    return (await store.find(sha256)) === undefined ? own : { sha256, size };
  } catch {
    return own;
  }
}

/**
 * Packages that were put together from what was installed, and that nobody brought along: a snapshot service may have
 * the originals. They are taken where their md5sums are the recorded ones. What is not found stays missing.
 */
export async function recognise(spec: AptSpec, lock: AptLock, context: CreateContext): Promise<void> {
  const service = snapshots[archiveOf[spec.type] ?? ''];
  if (service === undefined) return;
  const missing: AptPackage[] = [];
  for (const one of lock.packages) {
    if (one.repacked !== true || one.contents === undefined) continue;
    const { sha256 } = await foundAs(one, context.store);
    if ((await context.store.find(sha256)) === undefined) missing.push(one);
  }
  const queue = missing.values();
  const lane = async () => {
    for (const one of queue) {
      context.signal.throwIfAborted();
      context.onProgress({ step: 'fetch', what: `${one.name} ${one.version} from the snapshot service` });
      for await (const { url } of snapshotSources(service, one, context)) {
        if (url !== undefined && (await takeWhereSame(one, url, context))) break;
      }
    }
  };
  await Promise.all([lane(), lane()]);
}

async function takeWhereSame(one: AptPackage, url: string, context: CreateContext): Promise<boolean> {
  const file = join(context.work, `snapshot-${randomUUID()}.deb`);
  try {
    await snapshotTurns(new URL(url).host, () => download(url, file, context.signal));
    const contents = await withDeb(file, `${one.name} ${one.version}`, async ({ control }) => {
      const sums = control.find(({ name }) => name === 'md5sums')?.content.toString('latin1') ?? '';
      return parseSums(sums).contents;
    });
    if (contents === undefined || contents !== one.contents) return false;
    const ref = await context.store.addFile(file);
    const note = noteFile(one, context.store);
    await mkdir(join(note, '..'), { recursive: true });
    await writeFile(`${note}.new`, JSON.stringify(ref));
    await rename(`${note}.new`, note);
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof UserError)) throw error;
    return false;
  } finally {
    await rm(file, { force: true });
  }
}

async function download(url: string, file: string, signal: AbortSignal): Promise<void> {
  const response = await get(url, { signal });
  const handle = await open(file, 'wx', 0o600);
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > sizeLimit) throw new UserError(`${url} is larger than any package`);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
}

function noteFile(one: AptPackage, store: Store): string {
  return join(store.cache('recognised'), `${one.sha256}.json`);
}
