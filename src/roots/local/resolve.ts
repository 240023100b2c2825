import type { Entry } from '../../model/index.ts';
import { readTarget, typeAt, whyNot } from './disk.ts';

/** As Linux has it (path_resolution(7)). */
const maximumLinks = 40;

export interface Unresolved {
  /** The errno's name. */
  readonly code: string;
}

/** How far a path is resolved: `''` is the root. */
interface Walked {
  readonly at: string;
  readonly type: Entry['type'];
  /** Followed on the way. */
  readonly links: number;
}

const root: Walked = { at: '', type: 'directory', links: 0 };

/**
 * Resolves links as if the root were `/`: absolute targets begin at the root, and `..` stops there. With `keep` the
 * last part may be a link and is not followed. What is learned about folders is kept as long as the function: make
 * one for each batch.
 */
export function linkResolver(
  disk: (path: string) => string | Buffer,
): (path: string, last: 'follow' | 'keep') => string | Unresolved {
  const folders = new Map<string, Walked | Unresolved>([['', root]]);

  /** The folder of a path, resolved: from its own folder on, which most of a batch share. */
  const folderOf = (folder: string): Walked | Unresolved => {
    let found = folders.get(folder);
    if (found !== undefined) return found;
    const slash = folder.lastIndexOf('/');
    const above = slash < 0 ? root : folderOf(folder.slice(0, slash));
    found = 'code' in above ? above : walk(above, folder.slice(slash + 1));
    if (!('code' in found) && found.type !== 'directory') found = { code: 'ENOTDIR' };
    folders.set(folder, found);
    return found;
  };

  /** Along `rest` from a folder on; all links on the way count. */
  const walk = (from: Walked, rest: string): Walked | Unresolved => {
    let { at, type, links } = from;
    const parts = rest.split('/').reverse();
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        type = 'directory';
        continue;
      }
      const next = `${at}/${part}`;
      const is = typeAt(disk(next));
      if (is === undefined) return { code: whyNot(disk(next)) };
      if (is !== 'link') {
        if (is !== 'directory' && parts.length > 0) return { code: 'ENOTDIR' };
        at = next;
        type = is;
        continue;
      }
      links += 1;
      if (links > maximumLinks) return { code: 'ELOOP' };
      const target = targetOf(next);
      if (target === undefined) return { code: 'ENOENT' };
      if (target.startsWith('/')) {
        at = '';
        type = 'directory';
      }
      parts.push(...target.split('/').reverse());
    }
    return { at, type, links };
  };

  const targetOf = (path: string): string | undefined => {
    try {
      return readTarget(disk(path));
    } catch {
      return undefined; // it went away just now
    }
  };

  return (path, last) => {
    if (path.includes('\0')) return { code: 'EINVAL' };
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (name === '' || name === '.' || name === '..') return absolute(walk(root, path));
    const folder = folderOf(path.slice(0, Math.max(0, slash)));
    if ('code' in folder) return folder;
    return last === 'keep' ? `${folder.at}/${name}` : absolute(walk(folder, name));
  };
}

function absolute(found: Walked | Unresolved): string | Unresolved {
  if ('code' in found) return found;
  return found.at === '' ? '/' : found.at;
}
