import { createHash, hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { posix } from 'node:path';

import { byBytes, type Entry, type Note } from '../model/index.ts';
import { RootError, type Root, type ScanOptions, type Stat } from '../contract/index.ts';
import type { TarIndex } from './tar-index.ts';
import type { Extent, TarNode } from './tar-tree.ts';

/** What archives were read into, as a root. */
export interface TarRoot extends Root {
  /** What the archive has that no filesystem can have: names that lead out of it, members below a link. */
  readonly notes: readonly Note[];
  readonly suspect: TarIndex['suspect'];
  /** Where a file's bytes are, links followed; undefined where it is none, or they were not kept. */
  extent(path: string): (Extent & { readonly size: number }) | undefined;
}

const maximumLinks = 40;
const pieceSize = 1024 * 1024;

/** The root of an index; `fetch` reads a file whose content was not kept, `close` lets go of the files that hold it. */
export function tarView(
  { nodes, notes, suspect }: TarIndex,
  label: string,
  close: () => void,
  fetch?: (path: string) => Promise<Buffer>,
): TarRoot {
  let open = true;
  const must = (path: string, last: 'follow' | 'keep') => {
    const found = resolve(nodes, path, last);
    if ('code' in found) throw new RootError(found.code, path, label);
    return found;
  };
  return {
    label,
    notes,
    suspect,
    extent(path) {
      const found = resolve(nodes, path, 'follow');
      if ('code' in found || found.node.type !== 'file' || found.node.content === undefined) return undefined;
      return { ...found.node.content, size: found.node.size };
    },
    async readFile(path, limit = 512 * 1024 * 1024) {
      const found = must(path, 'follow');
      if (found.node.type === 'directory') throw new RootError('EISDIR', path, label);
      if (found.node.type !== 'file') throw new RootError('EINVAL', path, label);
      if (found.node.size > limit) throw new RootError('EFBIG', path, label);
      if (found.node.size === 0) return Buffer.alloc(0);
      if (found.node.content !== undefined) return readAll(found.node.content, found.node.size);
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
          return await digestOf(found.node, found.path, algorithm, fetch);
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
        if (node === undefined) continue;
        const digests = options.digests ?? ['sha256'];
        const late = node.type === 'file' && digests.includes('md5') && node.md5 === undefined;
        const md5 = late ? await digestOf(node, path, 'md5', fetch) : undefined;
        yield toEntry(path, md5 === undefined ? node : { ...node, md5 }, digests);
      }
    },
    async [Symbol.asyncDispose]() {
      if (open) close();
      open = false;
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

/** What is known of it, or made of its content: by pieces where that is at hand. */
async function digestOf(
  node: TarNode,
  path: string,
  algorithm: 'sha256' | 'md5',
  fetch: ((path: string) => Promise<Buffer>) | undefined,
): Promise<string | undefined> {
  const known = node[algorithm];
  if (known !== undefined) return known;
  if (node.content === undefined) {
    const content = await fetch?.(path);
    return content === undefined ? undefined : hash(algorithm, content, 'hex');
  }
  const made = createHash(algorithm);
  for (let at = 0; at < node.size; at += pieceSize) {
    const piece = { descriptor: node.content.descriptor, at: node.content.at + at };
    made.update(readAll(piece, Math.min(pieceSize, node.size - at)));
  }
  return made.digest('hex');
}

/** So many bytes from there on; fewer where the file ends. */
export function readAll({ descriptor, at }: Extent, size: number): Buffer {
  const content = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const read = readSync(descriptor, content, done, size - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return content.subarray(0, done);
}
