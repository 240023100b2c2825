import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ContentRef, Digest } from '../../model/index.ts';
import type { TraceContext } from '../../contract/index.ts';

/** Where it is remembered what was packed of something in a state; `digest` is of all that decides the bytes. */
export function memoryFile(digest: Digest, { store }: TraceContext): string {
  // what begins with the digest of content goes with that: this is no content's
  return join(store.cache('repacked'), `of-${digest.slice('sha256:'.length)}.json`);
}

/** What was remembered, where the store still has its content. */
export async function recall<T extends ContentRef>(file: string, { store }: TraceContext): Promise<T | undefined> {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as T;
    return (await store.find(kept.sha256)) === undefined ? undefined : kept;
  } catch {
    return undefined;
  }
}

export function remember(file: string, kept: ContentRef): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(kept), { mode: 0o600 });
  renameSync(fresh, file);
}

/** What a stream turns out to be, where it is not kept. */
export async function digestStream(bytes: AsyncIterable<Uint8Array>): Promise<ContentRef> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: hash.digest('hex'), size };
}
