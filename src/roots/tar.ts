import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';

import { byBytes, type Entry, type Note } from '../model/index.ts';
import { RootError, type Root, type ScanOptions, type Stat } from '../contract/index.ts';
import { compressionOf, decompressFile } from './decompress.ts';
import { indexTar, type Instead, type TarNode } from './tar-index.ts';

export interface TarRoot extends Root {
  /** What the archive has that no filesystem can have: names that lead out of it, members below a link. */
  readonly notes: readonly Note[];
}

interface TarRootOptions {
  /** Whose content is kept for `readFile`; default: all. Digests are there either way. */
  readonly keep?: (path: string, size: number) => boolean;
  /** Reads a file whose content was not kept. */
  readonly fetch?: (path: string) => Promise<Buffer>;
  /** What is there in place of the archive's own members. */
  readonly instead?: Instead;
  /** Whether md5 is taken, too; default: yes. Without it, it is made of the content when it is asked for. */
  readonly md5?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const maximumLinks = 40;

/**
 * A tar as a root: read once, with sha256 and md5 of every file taken on the way. Either a file's name (it may be
 * compressed), or a stream of what is not compressed. Content is read from the tar itself where it
 * is a file that is not compressed, else from a temporary file that is gone when this process is.
 */
export async function tarRoot(
  source: string | AsyncIterable<Uint8Array>,
  label: string,
  options: TarRootOptions = {},
): Promise<TarRoot> {
  const named = typeof source === 'string' ? openTar(source) : undefined;
  const stream = named?.stream ?? (source as AsyncIterable<Uint8Array>);
  const descriptor = named?.descriptor ?? openSpool();
  const spool = named?.descriptor === undefined ? { descriptor, keep: options.keep ?? (() => true) } : undefined;
  try {
    const { nodes, notes } = await indexTar(stream, spool, options);
    return viewOf(nodes, descriptor, label, notes, options.fetch);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function viewOf(
  nodes: ReadonlyMap<string, TarNode>,
  descriptor: number,
  label: string,
  notes: readonly Note[],
  fetch: TarRootOptions['fetch'],
): TarRoot {
  const must = (path: string, last: 'follow' | 'keep') => {
    const found = resolve(nodes, path, last);
    if ('code' in found) throw new RootError(found.code, path, label);
    return found;
  };
  return {
    label,
    notes,
    async readFile(path, limit = 512 * 1024 * 1024) {
      const found = must(path, 'follow');
      if (found.node.type === 'directory') throw new RootError('EISDIR', path, label);
      if (found.node.type !== 'file') throw new RootError('EINVAL', path, label);
      if (found.node.size > limit) throw new RootError('EFBIG', path, label);
      if (found.node.size === 0) return Buffer.alloc(0);
      if (found.node.at !== undefined) return readAt(descriptor, found.node.at, found.node.size);
      if (fetch !== undefined) return await fetch(found.path);
      throw new RootError('ENODATA', path, label);
    },
    async readdir(path) {
      const found = must(path, 'follow');
      if (found.node.children === undefined) throw new RootError('ENOTDIR', path, label);
      return [...found.node.children]
        .sort(byBytes)
        .map((name) => ({ name, type: nodes.get(posix.join(found.path, name))?.type ?? 'file' }));
    },
    async readlink(path) {
      const { node } = must(path, 'keep');
      if (node.target === undefined) throw new RootError('EINVAL', path, label);
      return node.target;
    },
    async lstat(paths) {
      return paths.map((path) => {
        const found = resolve(nodes, path, 'keep');
        return 'code' in found ? undefined : toStat(found.node);
      });
    },
    async realpath(paths) {
      return paths.map((path) => {
        const found = resolve(nodes, path, 'follow');
        return 'code' in found ? undefined : found.path;
      });
    },
    async digest(paths, algorithm) {
      return await Promise.all(
        paths.map(async (path) => {
          const found = resolve(nodes, path, 'follow');
          if ('code' in found || found.node.type !== 'file') return undefined;
          const known = found.node[algorithm];
          if (known !== undefined) return known;
          const { at, size } = found.node;
          const content = at === undefined ? await fetch?.(found.path) : readAt(descriptor, at, size);
          return content === undefined ? undefined : createHash(algorithm).update(content).digest('hex');
        }),
      );
    },
    async *scan(options: ScanOptions = {}) {
      const except = new Set(options.except ?? []);
      const paths = new Set<string>();
      for (const start of options.below ?? ['/']) collect(nodes, start, except, paths);
      for (const path of [...paths].sort(byBytes)) {
        options.signal?.throwIfAborted();
        const node = nodes.get(path);
        if (node !== undefined) yield toEntry(path, node, options.digests ?? ['sha256']);
      }
    },
    async [Symbol.asyncDispose]() {
      if (descriptor >= 0) closeSync(descriptor);
      descriptor = -1;
    },
  };
}

type Resolved = { readonly path: string; readonly node: TarNode } | { readonly code: string };

/** As `linkResolver` does it on a disk: the same answers, and the same errno where there is none. */
function resolve(nodes: ReadonlyMap<string, TarNode>, path: string, last: 'follow' | 'keep'): Resolved {
  if (path.includes('\0')) return { code: 'EINVAL' };
  let at = '/';
  let links = 0;
  const rest = partsOf(path);
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === '..') {
      at = posix.dirname(at);
      continue;
    }
    const next = at === '/' ? `/${part}` : `${at}/${part}`;
    const node = nodes.get(next);
    if (node === undefined) return { code: 'ENOENT' };
    if (node.type !== 'link' || (rest.length === 0 && last === 'keep')) {
      if (rest.length > 0 && node.type !== 'directory') return { code: 'ENOTDIR' };
      at = next;
      continue;
    }
    if (++links > maximumLinks) return { code: 'ELOOP' };
    const target = node.target ?? '';
    if (target.startsWith('/')) at = '/';
    rest.push(...partsOf(target));
  }
  const node = nodes.get(at);
  return node === undefined ? { code: 'ENOENT' } : { path: at, node };
}

/** The parts of a path, the last one first. */
function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.reverse();
}

function collect(
  nodes: ReadonlyMap<string, TarNode>,
  start: string,
  except: ReadonlySet<string>,
  paths: Set<string>,
): void {
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const node = nodes.get(path);
    if (node === undefined || except.has(path)) continue;
    paths.add(path);
    for (const name of node.children ?? []) waiting.push(posix.join(path, name));
  }
}

function toEntry(path: string, node: TarNode, digests: readonly ('sha256' | 'md5')[]): Entry {
  const { type, mode, uid, gid, size, target, device, capability, sha256, md5 } = node;
  const always = { path, type, mode, uid, gid };
  return {
    ...always,
    ...(type === 'file' && { size }),
    ...(sha256 !== undefined && digests.includes('sha256') && { sha256 }),
    ...(md5 !== undefined && digests.includes('md5') && { md5 }),
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    ...(capability !== undefined && { capability }),
  };
}

function toStat(node: TarNode): Stat {
  const { type, mode, uid, gid, mtimeMs, inode } = node;
  const size = node.target === undefined ? node.size : Buffer.byteLength(node.target);
  return { type, mode, uid, gid, size, mtimeMs, inode };
}

function readAt(descriptor: number, at: number, size: number): Buffer {
  const content = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const read = readSync(descriptor, content, done, size - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return content.subarray(0, done);
}

function openTar(file: string): { stream: AsyncIterable<Uint8Array>; descriptor: number | undefined } {
  const descriptor = openSync(file, 'r');
  const start = Buffer.alloc(6);
  readSync(descriptor, start, 0, start.length, 0);
  if (compressionOf(start) === 'none') return { stream: piecesOf(descriptor), descriptor };
  closeSync(descriptor);
  return { stream: decompressFile(file), descriptor: undefined };
}

async function* piecesOf(descriptor: number): AsyncIterable<Buffer> {
  for (let at = 0; ;) {
    const piece = readAt(descriptor, at, 1024 * 1024);
    if (piece.length === 0) return;
    yield piece;
    at += piece.length;
  }
}

/** A file that has no name any more: nothing is left of it whatever becomes of this process. */
function openSpool(): number {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-tar-'));
  try {
    return openSync(join(folder, 'content'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
