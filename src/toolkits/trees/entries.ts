import { posix } from 'node:path';

import { byBytes, isSafeAbsolute, type Note } from '../../model/index.ts';
import type { Root, Stat } from '../../contract/index.ts';

/** One member of a tree that is kept; `path` is relative to the tree's top, which itself is `.`. */
export interface TreeEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  /** Permission bits, 0 to 0o7777; a link's are not told. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /**
   * Of a file, in whole seconds since the epoch: make and Python's compiled files depend on it. 0 for others: a folder's
   * changes with whatever is put into it.
   */
  readonly mtime: number;
  /** Of a file, in bytes. */
  readonly size?: number;
  /** Of a file's content, in hexadecimal. */
  readonly sha256?: string;
  /** Of a link, as it is. */
  readonly target?: string;
  /** Of a file: content, size and digest are what it is without its secrets. */
  readonly cut?: true;
}

export interface Survey {
  /** Sorted by path, without digests. */
  readonly entries: readonly TreeEntry[];
  readonly notes: readonly Note[];
}

/**
 * What these paths are (absolute, at or below `top`, canonical in their folders) and every folder between them and
 * `top`. What is not there is left out; sockets, pipes and devices are named.
 */
export async function surveyTree(root: Root, top: string, paths: Iterable<string>): Promise<Survey> {
  const all = new Set<string>([top]);
  for (const path of paths) {
    for (let at = path; at !== top && at.length > top.length && !all.has(at); at = posix.dirname(at)) all.add(at);
  }
  const sorted = [...all].sort(byBytes);
  const stats = await root.lstat(sorted);
  const entries: TreeEntry[] = [];
  const notes: Note[] = [];
  for (const [index, path] of sorted.entries()) {
    const stat = stats[index];
    if (stat === undefined) continue;
    const entry = await toEntry(root, top, path, stat, notes);
    if (entry !== undefined) entries.push(entry);
  }
  return { entries: entries.sort((a, b) => byBytes(a.path, b.path)), notes };
}

/** The same entries with files' digests; what can't be read is named and left out. */
export async function hashTree(root: Root, top: string, entries: readonly TreeEntry[]): Promise<Survey> {
  const files = entries.filter((entry) => entry.type === 'file');
  const digests = await root.digest(
    files.map((entry) => posix.join(top, entry.path)),
    'sha256',
  );
  const known = new Map(files.map((entry, index) => [entry.path, digests[index]]));
  const notes: Note[] = [];
  const hashed = entries.flatMap((entry): TreeEntry[] => {
    if (entry.type !== 'file') return [entry];
    const sha256 = known.get(entry.path);
    if (sha256 !== undefined) return [{ ...entry, sha256 }];
    notes.push(unreadable(posix.join(top, entry.path)));
    return [];
  });
  return { entries: hashed, notes };
}

/** A tree as content: one JSON object a line, by path. Names that are not UTF-8 are lone surrogates, escaped. */
export function formatTree(entries: readonly TreeEntry[]): Buffer {
  const lines = entries.map(({ path, type, mode, uid, gid, mtime, size, sha256, target, cut }) => {
    const octal = mode.toString(8).padStart(4, '0');
    return JSON.stringify({ path, type, mode: octal, uid, gid, mtime, size, sha256, target, cut });
  });
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/** The tree that `formatTree` wrote; undefined where it is not one (it may come from a stranger). */
export function parseTree(bytes: Uint8Array): readonly TreeEntry[] | undefined {
  const entries: TreeEntry[] = [];
  const seen = new Set<string>();
  for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\n')) {
    if (line === '') continue;
    const entry = parseLine(line);
    if (entry === undefined || seen.has(entry.path)) return undefined;
    seen.add(entry.path);
    entries.push(entry);
  }
  return entries;
}

export function unreadable(path: string): Note {
  return { kind: 'unreadable', path, text: `${path} could not be read and is not kept` };
}

async function toEntry(
  root: Root,
  top: string,
  path: string,
  stat: Stat,
  notes: Note[],
): Promise<TreeEntry | undefined> {
  const name = path === top ? '.' : path.slice(top === '/' ? 1 : top.length + 1);
  const base = { path: name, mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime: 0 };
  if (stat.type === 'directory') return { ...base, type: 'directory' };
  const mtime = Math.floor(stat.mtimeMs / 1000);
  if (stat.type === 'file') return { ...base, type: 'file', mtime, size: stat.size };
  if (stat.type === 'link') {
    const target = await root.readlink(path).catch(() => undefined);
    if (target !== undefined) return { ...base, type: 'link', mode: 0o777, target };
  }
  notes.push({ kind: 'left', path, text: `${path} is not kept: it is no file (${stat.type})` });
  return undefined;
}

function parseLine(line: string): TreeEntry | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { path, type, mode, uid, gid, mtime, size, sha256, target, cut } = value ?? {};
  if (typeof path !== 'string' || typeof mode !== 'string' || !/^[0-7]{4}$/.test(mode)) return undefined;
  if (path !== '.' && !isSafeAbsolute(`/${path}`)) return undefined;
  if (!isCount(uid) || !isCount(gid) || typeof mtime !== 'number' || !Number.isSafeInteger(mtime)) return undefined;
  const base = { path, mode: Number.parseInt(mode, 8), uid, gid, mtime };
  if (type === 'directory') return { ...base, type };
  if (type === 'link' && typeof target === 'string' && target !== '' && !target.includes('\0'))
    return { ...base, type, target };
  if (type !== 'file' || !isCount(size) || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    return undefined;
  return { ...base, type, size, sha256, ...(cut === true ? { cut } : {}) };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
