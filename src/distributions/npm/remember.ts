import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import type { Context } from '../../contract/index.ts';
import type { ContentRef } from '../../model/index.ts';
import { hasIntegrity, parseIntegrity, sha512Of, type Integrity } from './integrity.ts';

/** Puts a tarball into the store, to be found by its sha512, too. */
export async function remember(bytes: Buffer, { store }: Pick<Context, 'store'>): Promise<ContentRef> {
  const ref = await store.add(bytes);
  const integrity = parseIntegrity(sha512Of(bytes));
  if (integrity === undefined) return ref;
  const folder = store.cache('npm');
  await mkdir(folder, { recursive: true });
  const file = join(folder, randomUUID());
  await writeFile(file, ref.sha256);
  await rename(file, join(folder, integrity.hex));
  return ref;
}

/** A tarball that was put into the store before. */
export async function recall(integrity: Integrity, { store }: Pick<Context, 'store'>): Promise<Buffer | undefined> {
  if (integrity.algorithm !== 'sha512') return undefined;
  const sha256 = await readFile(join(store.cache('npm'), integrity.hex), 'utf8').catch(() => undefined);
  const file = sha256 === undefined ? undefined : await store.find(sha256);
  const bytes = file === undefined ? undefined : await readFile(file).catch(() => undefined);
  return bytes !== undefined && hasIntegrity(bytes, integrity) ? bytes : undefined;
}
