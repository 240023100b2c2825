import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { byBytes, canonicalJson, sha256 } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import { parseRecord, formatRecord, type RecordEntry } from './record.ts';
import { parseWheelName } from './wheel.ts';

/** The wheel that an installation was found to be of, and its own RECORD. */
export interface Remembered {
  readonly file: string;
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
  readonly direct: boolean;
  readonly record: readonly RecordEntry[];
}

/** What is remembered of installations, by what their files are: an index need not be asked twice. */
export interface Memory {
  recall(installed: ReadonlyMap<string, string>, about: unknown): Promise<Remembered | undefined>;
  remember(installed: ReadonlyMap<string, string>, about: unknown, found: Remembered): Promise<void>;
}

/** Files below the store's cache; what can't be read there is forgotten. `about`: what else decides the answer. */
export function wheelMemory(store: Store): Memory {
  const folder = store.cache('python-wheels');
  const fileOf = (installed: ReadonlyMap<string, string>, about: unknown) =>
    join(folder, `${sha256(canonicalJson([about, [...installed].sort(([a], [b]) => byBytes(a, b))]))}.json`);
  return {
    async recall(installed, about) {
      try {
        return remembered(JSON.parse(await readFile(fileOf(installed, about), 'utf8')));
      } catch {
        return undefined;
      }
    },
    async remember(installed, about, { record, ...found }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = fileOf(installed, about);
      await writeFile(`${file}.${process.pid}`, JSON.stringify({ ...found, record: formatRecord(record) }), {
        mode: 0o600,
      });
      await rename(`${file}.${process.pid}`, file);
    },
  };
}

function remembered(value: unknown): Remembered | undefined {
  const { file, url, sha256: digest, size, direct, record } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof file !== 'string' || parseWheelName(file) === undefined || typeof url !== 'string') return undefined;
  if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) return undefined;
  if (typeof size !== 'number' || typeof direct !== 'boolean' || typeof record !== 'string') return undefined;
  return { file, url, sha256: digest, size, direct, record: parseRecord(Buffer.from(record)) };
}
