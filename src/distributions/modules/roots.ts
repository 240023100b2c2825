import { posix } from 'node:path';

import { byBytes, isSafeAbsolute, isWithin } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import type { Modulefile } from './notebook.ts';

/** Names of folders below the root of an installed tree. */
const layout =
  /^(?:bin|sbin|lib|lib32|lib64|libexec|include|share|man|info|pkgconfig|cmake|site-packages|dist-packages|python\d(?:\.\d+)?|perl5|plugins|etc|src)$/;

/**
 * The trees that a module makes usable, canonical and sorted: what its lists of paths lead into, less the usual names of
 * folders below a root, and what its variables name if it bears the module's name. Never a folder of the system's, one
 * that everybody shares, somebody's home, or one that the modulefiles themselves lie in.
 */
export async function rootsOf(
  { name, file, read }: { readonly name: string; readonly file: string; readonly read: Modulefile },
  root: Root,
  homes: readonly string[],
): Promise<readonly string[]> {
  const parts = name.toLowerCase().split('/');
  const bearsName = (path: string) =>
    path
      .toLowerCase()
      .split('/')
      .some((part) => parts.some((own) => own.length > 1 && part.startsWith(own)));
  const named = new Set<string>();
  for (const { do: what, name: variable, value } of read.changes) {
    if (value === undefined || variable === 'MODULEPATH' || !isSafeAbsolute(trimmed(value))) continue;
    const path = trimmed(value);
    if (what === 'prepend' || what === 'append') named.add(path);
    else if (what === 'set' && (variable.startsWith('EBROOT') || bearsName(path))) named.add(path);
  }
  if (named.size === 0) for (const path of read.paths) if (bearsName(path)) named.add(trimmed(path));
  const paths = [...named].slice(0, 200);
  const stats = await root.lstat(paths);
  const real = await root.realpath(paths);
  const kinds = await root.lstat(real.map((path) => path ?? '/'));
  const found = new Set<string>();
  const own = (top: string) => isOwnTree(top) && !isWithin(file, top) && !homes.some((home) => isWithin(home, top));
  for (const [index, path] of real.entries()) {
    if (path === undefined || stats[index] === undefined) continue;
    const top = topOf(kinds[index]?.type === 'directory' ? path : posix.dirname(path));
    if (!own(top)) continue;
    found.add(top);
    // the tree may be named by a link, which is the module's, too
    const stated = topOf(paths[index] ?? path);
    if (stated !== top && (await isLink(stated, root))) found.add(stated);
  }
  return [...found].sort(byBytes);
}

async function isLink(path: string, root: Root): Promise<boolean> {
  const [stat] = await root.lstat([path]);
  const [folder] = await root.realpath([posix.dirname(path)]);
  return stat?.type === 'link' && folder === posix.dirname(path);
}

function topOf(path: string): string {
  let at = path;
  while (layout.test(posix.basename(at)) && posix.dirname(at) !== '/') at = posix.dirname(at);
  return at;
}

/** Whether a folder can be one program's own: two parts at least, and none of the places that many share. */
function isOwnTree(path: string): boolean {
  if (path.split('/').length < 3) return false;
  if (/^\/(?:bin|sbin|lib\w*|etc|proc|sys|dev|run|boot|var)(?:\/|$)/.test(path)) return false;
  if (/^\/usr\/(?!local\/)/.test(path)) return false;
  if (/^\/(?:usr|usr\/local)(?:\/(?:bin|sbin|lib\w*|include|share|etc|src|man|games|opt))?$/.test(path)) return false;
  return !/^\/(?:home|Users)\/[^/]+$/.test(path);
}

function trimmed(path: string): string {
  return path.startsWith('/') ? posix.normalize(path).replace(/(?<=.)\/$/, '') : path;
}
