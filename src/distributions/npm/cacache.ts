import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { hasIntegrity, parseIntegrity, type Integrity } from './integrity.ts';

/** npm's cache in some root: a folder that holds `content-v2` and `index-v5` (cacache). */
export interface Cacache {
  readonly root: Root;
  readonly folder: string;
}

/** Larger tarballs are not looked at. */
export const largestTarball = 512 * 1024 * 1024;

/** The file with this content, whether it is there or not. */
export function contentFile(folder: string, { algorithm, hex }: Integrity): string {
  return posix.join(folder, 'content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

/** Content by its digest, checked; undefined where the cache does not have it. */
export async function readCached({ root, folder }: Cacache, integrity: Integrity): Promise<Buffer | undefined> {
  const bytes = await root.readFile(contentFile(folder, integrity), largestTarball).catch(() => undefined);
  return bytes !== undefined && hasIntegrity(bytes, integrity) ? bytes : undefined;
}

/** What npm once got from an address: the digest that its cache has of that. */
export async function cachedIntegrity({ root, folder }: Cacache, address: string): Promise<string | undefined> {
  const key = `make-fetch-happen:request-cache:${address}`;
  const hex = createHash('sha256').update(key).digest('hex');
  const file = posix.join(folder, 'index-v5', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
  const bytes = await root.readFile(file, 4 * 1024 * 1024).catch(() => undefined);
  return bytes === undefined ? undefined : parseBucket(bytes.toString('utf8'), key);
}

/** One bucket of cacache's index: lines of a sha1 and JSON; the last of a key counts. */
export function parseBucket(content: string, key: string): string | undefined {
  let found: string | undefined;
  for (const line of content.split('\n')) {
    const [digest, json] = line.split('\t');
    if (json === undefined || createHash('sha1').update(json).digest('hex') !== digest) continue;
    try {
      const entry = JSON.parse(json) as { key?: unknown; integrity?: unknown } | null;
      if (entry?.key !== key) continue;
      const { integrity } = entry;
      found = typeof integrity === 'string' && parseIntegrity(integrity) !== undefined ? integrity : undefined;
    } catch {
      // a line that was cut short
    }
  }
  return found;
}
