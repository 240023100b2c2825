import { posix } from 'node:path';

import { byBytes, isWithin } from '../../model/index.ts';
import type { Access, Root, TraceResult } from '../../contract/index.ts';

/**
 * A trace to which the names in folders that were listed are added, as asked about, where these lie in one of `below`:
 * `ls` and `find` give other answers where a file is missing that nobody opened. Not what the run made itself.
 */
export async function withListed<T extends TraceResult>(trace: T, root: Root, below: readonly string[]): Promise<T> {
  const known = new Set(trace.accesses.map(({ path }) => path));
  const found: Access[] = [];
  for (const { path, read, directory, foreign, removed } of trace.accesses) {
    if (!directory || !read || foreign || removed || !below.some((folder) => isWithin(path, folder))) continue;
    const entries = await root.readdir(path).catch(() => []); // it may be gone by now
    for (const { name, type } of entries) {
      const entry = posix.join(path, name);
      if (known.has(entry) || !['file', 'link', 'directory'].includes(type)) continue;
      found.push({ ...listed, path: entry, asked: type !== 'directory', directory: type === 'directory' });
    }
  }
  if (found.length === 0) return trace;
  return { ...trace, accesses: [...trace.accesses, ...found].sort((a, b) => byBytes(a.path, b.path)) };
}

const listed = {
  read: false,
  written: false,
  executed: false,
  writtenFirst: false,
  removed: false,
  via: [],
  foreign: false,
} as const;
