import { posix } from 'node:path';

import type { Entry } from '../model/index.ts';

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
  /** Where the content is; absent where it was not kept. */
  readonly content?: Extent;
  /** Of a directory: the names in it. */
  readonly children?: Set<string>;
}

/** A piece of an open file. */
export interface Extent {
  readonly descriptor: number;
  readonly at: number;
}

/** The tree that archives make, one laid over the other. */
export interface TarTree {
  readonly nodes: ReadonlyMap<string, TarNode>;
  /** What comes from now on is a layer over what is there. */
  cover(): void;
  /** Puts a node at a path; false where what is above it in the same archive is no directory. */
  place(path: string, node: TarNode): boolean;
  /** Takes away what layers below have there (a whiteout); what this one brings stays. */
  hide(path: string): void;
  /** The same for everything in a directory (an opaque one). */
  hideBelow(path: string): void;
  /** Takes it away, whoever brought it. */
  remove(path: string): void;
}

export function tarTree(): TarTree {
  const nodes = new Map<string, TarNode>([['/', impliedDirectory('/')]]);
  /** What the archive that is being read has brought. */
  let own = new Set<string>();
  let covers = false;

  const remove = (path: string): void => {
    const waiting = [path];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      for (const name of nodes.get(at)?.children ?? []) waiting.push(posix.join(at, name));
      nodes.delete(at);
      own.delete(at);
    }
    nodes.get(posix.dirname(path))?.children?.delete(posix.basename(path));
  };

  const put = (path: string, node: TarNode): void => {
    own.add(path);
    const before = nodes.get(path);
    if (before?.children !== undefined && node.children !== undefined) {
      nodes.set(path, { ...node, children: before.children });
      return;
    }
    if (path === '/') return;
    if (before?.children !== undefined) remove(path);
    own.add(path);
    nodes.set(path, node);
    nodes.get(posix.dirname(path))?.children?.add(posix.basename(path));
  };

  /** Directories that the archive left out; false where something else of it is in the way. */
  const makeParents = (path: string): boolean => {
    const missing: string[] = [];
    for (let at = posix.dirname(path); ; at = posix.dirname(at)) {
      const there = nodes.get(at);
      if (there?.type === 'directory') break;
      // a layer is a tree of its own, which is then laid over the others: there, a folder hides a link
      if (there !== undefined && (!covers || own.has(at))) return false;
      missing.push(at);
    }
    for (const at of missing.reverse()) put(at, impliedDirectory(`implied:${at}`));
    return true;
  };

  /** Whether something that this archive has brought is left at the path or below it. */
  const hideAt = (path: string): boolean => {
    const found: string[] = [];
    const waiting = [path];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      found.push(at);
      for (const name of nodes.get(at)?.children ?? []) waiting.push(posix.join(at, name));
    }
    // what is below comes after what it is in
    for (const at of found.reverse()) {
      const isEmpty = (nodes.get(at)?.children?.size ?? 0) === 0;
      if (!own.has(at) && isEmpty) remove(at);
    }
    return nodes.has(path);
  };

  return {
    nodes,
    cover() {
      covers = true;
      own = new Set();
    },
    place(path, node) {
      if (path !== '/' && !makeParents(path)) return false;
      put(path, node);
      return true;
    },
    hide(path) {
      if (path !== '/') hideAt(path);
    },
    hideBelow(path) {
      for (const name of nodes.get(path)?.children ?? []) hideAt(posix.join(path, name));
    },
    remove,
  };
}

function impliedDirectory(inode: string): TarNode {
  return { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeMs: 0, inode, children: new Set() };
}
