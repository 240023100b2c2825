import { createHash, hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { posix } from 'node:path';

import type { Entry, Note } from '../model/index.ts';
import { readMembers, type Member } from './tar-members.ts';

/** One inode of an archive; hard links share it. */
export interface TarNode {
  readonly type: Entry['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly target?: string;
  readonly device?: readonly [number, number];
  readonly capability?: string;
  readonly inode: string;
  readonly sha256?: string;
  readonly md5?: string;
  /** Where the content begins in the file that holds it; absent where it was not kept. */
  readonly at?: number;
  /** Of a directory: the names in it. */
  readonly children?: Set<string>;
}

/** Files whose content is taken into a temporary file; `descriptor` is that file. */
export interface Spool {
  readonly descriptor: number;
  keep(path: string, size: number): boolean;
}

export interface TarIndex {
  readonly nodes: ReadonlyMap<string, TarNode>;
  /** What the archive has that no filesystem can have: names that lead out of it, members below a link. */
  readonly notes: readonly Note[];
}

/** What is there in place of the archive's own member; `undefined`: nothing. */
export type Instead = ReadonlyMap<string, (Entry & { readonly content?: Buffer }) | undefined>;

const maximumMembers = 20_000_000;

/**
 * Every member of a tar by its path in the root, with sha256 (and md5, unless it is not wanted) of each file, in one pass. With no spool, `at`
 * is the offset in the archive. The last member of a name counts.
 */
export async function indexTar(
  stream: AsyncIterable<Uint8Array>,
  spool: Spool | undefined,
  options: {
    readonly instead?: Instead | undefined;
    readonly md5?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<TarIndex> {
  const { instead = new Map() as Instead, md5: withMd5 = true, signal } = options;
  const nodes = new Map<string, TarNode>([['/', directory('/')]]);
  const notes: Note[] = [];
  const left = (text: string, path: string) => notes.push({ kind: 'left', text, path });
  let end = 0;
  let count = 0;
  for await (const member of readMembers(stream)) {
    signal?.throwIfAborted();
    if (++count > maximumMembers) {
      left(`everything after the first ${maximumMembers} members`, '/');
      break;
    }
    const path = pathOf(member.name);
    if (path === undefined || !makeParents(nodes, path)) {
      left('a member of the archive that leads out of it, or below what is no directory', member.name);
    } else if (member.type === 'hardlink') {
      const target = nodes.get(pathOf(member.target ?? '') ?? '');
      if (target === undefined || target.type === 'directory') left('a hard link to what is not in the archive', path);
      else place(nodes, path, target);
    } else {
      const keep = member.type === 'file' && spool !== undefined && spool.keep(path, member.size);
      const digests =
        member.type === 'file' ? await takeContent(member, keep ? { ...spool, at: end } : undefined, withMd5) : {};
      const at = spool === undefined ? member.offset : keep ? end : undefined;
      if (keep) end += member.size;
      place(nodes, path, { ...base(member, String(count)), ...digests, ...(at !== undefined && { at }) });
    }
  }
  for (const [path, entry] of instead) {
    if (entry === undefined) {
      remove(nodes, path);
    } else if (makeParents(nodes, path)) {
      const { content } = entry;
      const at = content === undefined || spool === undefined ? undefined : end;
      if (content !== undefined && spool !== undefined) {
        writeSync(spool.descriptor, content, 0, content.length, end);
        end += content.length;
      }
      const sha256 = content === undefined ? entry.sha256 : hash('sha256', content, 'hex');
      const md5 = content === undefined ? entry.md5 : hash('md5', content, 'hex');
      place(nodes, path, {
        ...base({ ...entry, size: entry.size ?? 0, mtimeMs: 0 }, `instead:${path}`),
        ...(sha256 !== undefined && { sha256 }),
        ...(md5 !== undefined && { md5 }),
        ...(at !== undefined && { at }),
      });
    }
  }
  return { nodes, notes };
}

/** The absolute path of a member's name; undefined where it leads out of the root. */
export function pathOf(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) return undefined;
  return `/${parts.join('/')}`;
}

function base(
  from: Omit<Member, 'name' | 'type' | 'offset' | 'content'> & { readonly type: Member['type'] },
  inode: string,
): TarNode {
  const { mode, uid, gid, size, mtimeMs, target, device, capability } = from;
  const type = from.type === 'hardlink' ? 'file' : from.type;
  const always = { type, mode, uid, gid, size, mtimeMs, inode };
  return {
    ...always,
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    ...(capability !== undefined && { capability }),
    ...(type === 'directory' && { children: new Set<string>() }),
  };
}

function directory(inode: string): TarNode {
  return { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeMs: 0, inode, children: new Set() };
}

/** Directories that the archive left out; false where something else is in the way. */
function makeParents(nodes: Map<string, TarNode>, path: string): boolean {
  if (path === '/') return true;
  const parent = posix.dirname(path);
  const there = nodes.get(parent);
  if (there !== undefined) return there.type === 'directory';
  if (!makeParents(nodes, parent)) return false;
  place(nodes, parent, directory(`implied:${parent}`));
  return true;
}

function place(nodes: Map<string, TarNode>, path: string, node: TarNode): void {
  const before = nodes.get(path);
  if (before?.children !== undefined && node.children !== undefined) {
    nodes.set(path, { ...node, children: before.children });
    return;
  }
  if (path === '/') return;
  if (before?.children !== undefined) remove(nodes, path);
  nodes.set(path, node);
  nodes.get(posix.dirname(path))?.children?.add(posix.basename(path));
}

function remove(nodes: Map<string, TarNode>, path: string): void {
  const waiting = [path];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const name of nodes.get(at)?.children ?? []) waiting.push(posix.join(at, name));
    nodes.delete(at);
  }
  nodes.get(posix.dirname(path))?.children?.delete(posix.basename(path));
}

async function takeContent(
  member: Member,
  into: { readonly descriptor: number; readonly at: number } | undefined,
  withMd5: boolean,
): Promise<{ sha256: string; md5?: string }> {
  const sha256 = createHash('sha256');
  const md5 = withMd5 ? createHash('md5') : undefined;
  let taken = 0;
  for await (const piece of member.content()) {
    if (into !== undefined) writeSync(into.descriptor, piece, 0, piece.length, into.at + taken);
    taken += piece.length;
    if (taken === member.size && taken === piece.length) {
      const whole = hash('sha256', piece, 'hex'); // twice as fast for small files
      return withMd5 ? { sha256: whole, md5: hash('md5', piece, 'hex') } : { sha256: whole };
    }
    sha256.update(piece);
    md5?.update(piece);
  }
  return { sha256: sha256.digest('hex'), ...(md5 !== undefined && { md5: md5.digest('hex') }) };
}
