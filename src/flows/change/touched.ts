import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { byBytes, type Entry, type VolatileMatcher } from '../../model/index.ts';
import type { Root, Stat, Store } from '../../contract/index.ts';
import { writeWhole } from '../../formats/write-whole.ts';

/** A tree without contents: what each entry is known by; a change of content moves the time. */
export type Looked = ReadonlyMap<string, string>;

/** What a change has made of paths: the entry afterwards, or undefined where it took it away. */
export type Touched = ReadonlyMap<string, Entry | undefined>;

/** A tree before it is changed: as `file` has it from a change that was interrupted, else as it is, written there. */
export async function lookBefore(
  file: string,
  isInterrupted: boolean,
  ...[root, volatile, signal]: Parameters<typeof lookOver>
): Promise<Looked> {
  if (isInterrupted && existsSync(file)) {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => JSON.parse(line) as [string, string]));
  }
  const looked = await lookAt(root, volatile, signal);
  await writeWhole(file, [...looked].map((pair) => `${JSON.stringify(pair)}\n`).join(''));
  return looked;
}

/** A tree as it is now. */
export async function lookAt(...of: Parameters<typeof lookOver>): Promise<Looked> {
  const looked = new Map<string, string>();
  for (const [path, { facts }] of await lookOver(...of)) looked.set(path, facts);
  return looked;
}

async function lookOver(
  root: Root,
  volatile: VolatileMatcher,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly entry: Entry; readonly facts: string }>> {
  const entries: Entry[] = [];
  for await (const entry of root.scan({ digests: [], except: volatile.except, signal })) {
    if (entry.type !== 'socket' && !volatile.matches(entry.path)) entries.push(entry);
  }
  const stats = await root.lstat(entries.map(({ path }) => path));
  return new Map(entries.map((entry, index) => [entry.path, { entry, facts: factsOf(entry, stats[index]) }]));
}

function factsOf({ target }: Entry, stat: Stat | undefined): string {
  if (stat === undefined) return '';
  const { type, mode, uid, gid, size, mtimeMs, inode } = stat;
  // what lies in a folder moves its time, and is seen itself
  const content = type === 'directory' ? [] : [size, mtimeMs, inode, target];
  return [type, mode, uid, gid, ...content].join(' ');
}

/** What is not as it was, with its content now. */
export async function touchedSince(
  before: Looked,
  root: Root,
  volatile: VolatileMatcher,
  signal: AbortSignal,
): Promise<Touched> {
  const after = await lookOver(root, volatile, signal);
  const changed = [...after].filter(([path, { facts }]) => before.get(path) !== facts);
  const files = changed.flatMap(([path, { entry }]) => (entry.type === 'file' ? [path] : []));
  const digests = await root.digest(files, 'sha256');
  const sha256 = new Map(files.map((path, index) => [path, digests[index]]));
  const touched = new Map<string, Entry | undefined>();
  for (const path of before.keys()) if (!after.has(path)) touched.set(path, undefined);
  for (const [path, { entry }] of changed) {
    const digest = sha256.get(path);
    touched.set(path, digest === undefined ? entry : { ...entry, sha256: digest });
  }
  return touched;
}

/** Keeps what was touched, with what had been before. Returns its sha256 in the store. */
export async function keepTouched(touched: Touched, held: string | undefined, store: Store): Promise<string> {
  const all = new Map([...(held === undefined ? [] : await readTouched(held, store)), ...touched]);
  const lines = [...all]
    .sort(([a], [b]) => byBytes(a, b))
    .map(([path, entry]) => `${JSON.stringify({ path, entry })}\n`);
  return (await store.add(Buffer.from(lines.join('')))).sha256;
}

/** What was kept; nothing where the store has it no more. */
export async function readTouched(sha256: string, store: Store): Promise<Touched> {
  const file = await store.find(sha256);
  if (file === undefined) return new Map();
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const { path, entry } = JSON.parse(line) as { path: string; entry?: Entry };
      return [path, entry];
    }),
  );
}
