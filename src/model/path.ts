import { posix } from 'node:path';

/** Byte order, as `LC_ALL=C sort`: the order of every list that repronim writes. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `path` is `directory` or lies below it; both absolute and normalised. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === '/' || path.startsWith(`${directory}/`);
}

/** `path` as seen from `directory` where it lies below it, else as it is. */
export function relativeTo(path: string, directory: string): string {
  if (path === directory) return '.';
  const prefix = directory === '/' ? '/' : `${directory}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

/** Every proper ancestor of an absolute path, nearest first, `/` last. */
export function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let at = posix.dirname(path); ; at = posix.dirname(at)) {
    found.push(at);
    if (at === '/' || at === '.') return found;
  }
}

/**
 * Whether a path from a stranger may be joined to a root as it is: absolute, normalised, no NUL, no `.` or `..`,
 * no empty part, at most 4,095 bytes (PATH_MAX).
 */
export function isSafeAbsolute(path: string): boolean {
  return (
    path.startsWith('/') &&
    !path.includes('\0') &&
    Buffer.byteLength(path) < 4096 &&
    posix.normalize(path) === path &&
    (path === '/' || !path.endsWith('/'))
  );
}
