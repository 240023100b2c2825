import { createReadStream } from 'node:fs';

import type { Store } from '../contract/index.ts';
import { byBytes, UserError, type Step } from '../model/index.ts';
import { decompressFile } from '../roots/decompress.ts';
import { encodeHeader, tarPadding, type Header } from '../roots/tar-header.ts';

/** The steps that a tar can hold. */
export type FileStep = Extract<Step, { do: 'write' | 'link' | 'directory' }>;

/** The last step of each path: what is there when all have been done. */
export function lastOfEach(steps: Iterable<FileStep>): ReadonlyMap<string, FileStep> {
  return new Map(Array.from(steps, (step) => [step.path, step]));
}

/** What steps make, as members of a tar (without its end), sorted by path; folders on the way are others' concern. */
export async function* stepMembers(steps: Iterable<FileStep>, store: Store): AsyncGenerator<Uint8Array> {
  for (const step of [...steps].sort((a, b) => byBytes(a.path, b.path))) {
    if (step.path === '/') continue;
    const { uid = 0, gid = 0 } = 'uid' in step ? step : {};
    const own = { name: step.path.slice(1), uid, gid, mtimeMs: 0 };
    if (step.do === 'link') {
      yield encodeHeader({ ...own, type: 'link', mode: 0o777, size: 0, target: step.target });
    } else if (step.do === 'directory') {
      const [mode, mtimeMs] = [Number.parseInt(step.mode ?? '0755', 8), (step.mtime ?? 0) * 1000];
      yield encodeHeader({ ...own, type: 'directory', mode, mtimeMs, size: 0 });
    } else {
      const mtimeMs = (step.mtime ?? 0) * 1000;
      yield* fileMember({ ...own, mtimeMs, mode: Number.parseInt(step.mode ?? '0644', 8) }, step.content, store);
    }
  }
}

/** An archive of the store, decompressed. Throws UserError where the store has none. */
export async function* storedTar(sha256: string, store: Store): AsyncGenerator<Uint8Array> {
  yield* decompressFile(await mustFind(sha256, store));
}

async function* fileMember(
  own: Omit<Header, 'type' | 'size'>,
  content: Extract<Step, { do: 'write' }>['content'],
  store: Store,
): AsyncGenerator<Uint8Array> {
  if (typeof content === 'string') {
    const bytes = Buffer.from(content);
    yield encodeHeader({ ...own, type: 'file', size: bytes.length });
    yield bytes;
    yield tarPadding(bytes.length);
    return;
  }
  const file = await mustFind(content.sha256, store);
  yield encodeHeader({ ...own, type: 'file', size: content.size });
  yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  yield tarPadding(content.size);
}

async function mustFind(sha256: string, store: Store): Promise<string> {
  const file = await store.find(sha256);
  if (file === undefined) throw new UserError(`content is missing from the store: sha256:${sha256}`);
  return file;
}
