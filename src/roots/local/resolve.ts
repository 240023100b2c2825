import { lstatOf, readTarget, whyNot } from './disk.ts';

/** As Linux has it (path_resolution(7)). */
const maximumLinks = 40;

export interface Unresolved {
  /** The errno's name. */
  readonly code: string;
}

/**
 * Resolves links as if the root were `/`: absolute targets begin at the root, and `..` stops there. With `keep` the
 * last part may be a link and is not followed. What is learned about folders is kept as long as the function: make
 * one for each batch.
 */
export function linkResolver(
  disk: (path: string) => string | Buffer,
): (path: string, last: 'follow' | 'keep') => string | Unresolved {
  const folders = new Map<string, string | Unresolved>();

  /** The folder of a path, resolved; most paths of a batch share theirs. */
  const folderOf = (folder: string): string | Unresolved => {
    let found = folders.get(folder);
    if (found === undefined) {
      found = walk('', folder, { links: 0 });
      if (typeof found === 'string' && found !== '' && lstatOf(disk(found))?.stat.type !== 'directory') {
        found = { code: 'ENOTDIR' };
      }
      folders.set(folder, found);
    }
    return found;
  };

  /** From `at` (resolved; `''` is the root) along `rest`. */
  const walk = (at: string, rest: string, count: { links: number }): string | Unresolved => {
    const parts = rest.split('/').reverse();
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        continue;
      }
      const next = `${at}/${part}`;
      const type = lstatOf(disk(next))?.stat.type;
      if (type === undefined) return { code: whyNot(disk(next)) };
      if (type !== 'link') {
        if (type !== 'directory' && parts.length > 0) return { code: 'ENOTDIR' };
        at = next;
        continue;
      }
      count.links += 1;
      if (count.links > maximumLinks) return { code: 'ELOOP' };
      const target = targetOf(next);
      if (target === undefined) return { code: 'ENOENT' };
      if (target.startsWith('/')) at = '';
      parts.push(...target.split('/').reverse());
    }
    return at;
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
    if (name === '' || name === '.' || name === '..') return absolute(walk('', path, { links: 0 }));
    const folder = folderOf(path.slice(0, Math.max(0, slash)));
    if (typeof folder !== 'string') return folder;
    return last === 'keep' ? `${folder}/${name}` : absolute(walk(folder, name, { links: 0 }));
  };
}

function absolute(found: string | Unresolved): string | Unresolved {
  return found === '' ? '/' : found;
}
