import { posix } from 'node:path';

import type { Look } from './look.ts';

/** Where a name leads, and the links on the way, each by its own resolved folder. */
interface Resolved {
  readonly path: string;
  readonly links: readonly string[];
}

/** Follows names as the kernel does, one look per folder. */
export interface Resolver {
  /** `path` is absolute as the program sees it; `follow`: whether a link at the last part is followed. */
  resolve(path: string, follow: boolean): Resolved;
  /** Something that names went through has changed. */
  forget(): void;
}

const mostLinks = 40; // MAXSYMLINKS of path_resolution(7)

/** `root` is '' for this machine's own, else the folder that a chroot made the root; results begin with it. */
export function createResolver(look: Pick<Look, 'linkTarget'>, root = ''): Resolver {
  const folders = new Map<string, Resolved>();

  function folder(path: string, depth: number): Resolved {
    if (path === '/' || path === '') return { path: '/', links: [] };
    const known = folders.get(path);
    if (known !== undefined) return known;
    const found = step(path, true, depth);
    folders.set(path, found);
    return found;
  }

  function step(path: string, follow: boolean, depth: number): Resolved {
    const slash = path.lastIndexOf('/');
    const base = path.slice(slash + 1);
    const parent = folder(path.slice(0, slash), depth);
    if (base === '' || base === '.') return parent;
    if (base === '..') return { path: posix.dirname(parent.path), links: parent.links };
    const here = parent.path === '/' ? `/${base}` : `${parent.path}/${base}`;
    const target = follow && depth < mostLinks ? look.linkTarget(root + here) : undefined;
    if (target === undefined) return { path: here, links: parent.links };
    const next = resolveAt(target.startsWith('/') ? target : `${parent.path}/${target}`, true, depth + 1);
    return { path: next.path, links: [...parent.links, here, ...next.links] };
  }

  function resolveAt(path: string, follow: boolean, depth: number): Resolved {
    return step(path.length > 1 && path.endsWith('/') ? path.replace(/\/+$/, '') || '/' : path, follow, depth);
  }

  return {
    resolve(path, follow) {
      const found = resolveAt(path, follow, 0);
      if (root === '') return found;
      return { path: root + found.path, links: found.links.map((link) => root + link) };
    },
    forget() {
      folders.clear();
    },
  };
}
