import { readFile } from 'node:fs/promises';

import {
  byBytes,
  volatileMatcher,
  volatilePaths,
  type ContentRef,
  type FileLock,
  type RunLock,
  type StreamLock,
  type VolatilePath,
} from '../../model/index.ts';
import type { Owner, Root, Store, TraceResult } from '../../contract/index.ts';

/** What a trace knows of the paths that it has met. */
interface Seen {
  readonly trace: TraceResult;
  /** The links by which files were reached and the files, canonical. */
  readonly paths: readonly string[];
  readonly owned: ReadonlyMap<string, { readonly owners: readonly Owner[] }>;
  /** What the distributions keep of files with secrets. */
  readonly cut: ReadonlyMap<string, ContentRef>;
  /** What the distributions leave out. */
  readonly volatile: readonly VolatilePath[];
}

/**
 * The files of distributions that a run used, by their content, as a list in the store: what `verify` compares one by
 * one. Not what packages generate, what changes by itself, and what the run wrote.
 */
export async function keepUsed(
  { trace, paths, owned, cut, volatile }: Seen,
  root: Root,
  store: Store,
): Promise<RunLock['used']> {
  const matcher = volatileMatcher([...volatilePaths, ...volatile]);
  const written = new Set(trace.accesses.flatMap(({ path, written: wrote }) => (wrote ? [path] : [])));
  const asked = paths
    .filter((path) => owned.get(path)?.owners.some(({ explained }) => explained === undefined) === true)
    .filter((path) => !written.has(path) && !matcher.matches(path))
    .toSorted(byBytes);
  const stats = await root.lstat(asked);
  const files = asked.filter((_, index) => stats[index]?.type === 'file');
  const digests = await root.digest(files, 'sha256');
  const sha256 = new Map(files.map((path, index) => [path, digests[index]]));
  const used: FileLock[] = [];
  for (const [index, path] of asked.entries()) {
    const stat = stats[index];
    const digest = sha256.get(path);
    const without = cut.get(path);
    // the digest of a secret would tell it to whoever guesses
    if (without !== undefined) used.push({ path, ...without, left: 'secret' });
    else if (stat?.type === 'link') {
      const link = await root.readlink(path).catch(() => undefined);
      if (link !== undefined) used.push({ path, link });
    } else if (stat !== undefined && digest !== undefined) used.push({ path, size: stat.size, sha256: digest });
  }
  return await keepList(used, store);
}

/** Such a list in the store; nothing for an empty one. */
export async function keepList(used: readonly FileLock[], store: Store): Promise<RunLock['used']> {
  if (used.length === 0) return undefined;
  const lines = used.map((file) => `${JSON.stringify(file)}\n`).join('');
  const { size, sha256: of }: StreamLock = await store.add(Buffer.from(lines));
  return { files: used.length, size, sha256: of };
}

const longest = 256 * 1024 * 1024;

/** What `keepUsed` kept; undefined where the store has it no more, or it is damaged. */
export async function readUsed(used: RunLock['used'], store: Store): Promise<readonly FileLock[] | undefined> {
  if (used === undefined || used.size > longest) return undefined;
  const file = await store.find(used.sha256);
  if (file === undefined) return undefined;
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    const files = lines.map((line) => JSON.parse(line) as FileLock);
    return files.every(({ path }) => typeof path === 'string' && path.startsWith('/')) ? files : undefined;
  } catch {
    return undefined;
  }
}
