import { lstatSync } from 'node:fs';

import type { Root } from '../../../contract/index.ts';
import { encodeName } from '../../../roots/names.ts';

/** A folder by the name that a list has for it, and by its canonical one (links in it resolved). */
export interface Folder {
  canonical: string;
}

/**
 * Resolves the links in folders: on merged-/usr systems `/bin` and `/lib` are links, and the lists of older packages
 * name files below them. Each folder costs one lstat, its parents being known.
 */
export async function resolveFolders(folders: ReadonlyMap<string, Folder>, root: Root): Promise<void> {
  const names = [...folders.keys()].sort((a, b) => a.length - b.length);
  if (root.directory === undefined) return resolveRemotely(folders, names, root);
  const base = root.directory === '/' ? '' : root.directory;
  const known = new Map<string, string>([['', '']]);
  const resolve = async (name: string): Promise<string> => {
    const held = known.get(name);
    if (held !== undefined) return held;
    const slash = name.lastIndexOf('/');
    const parent = await resolve(name.slice(0, slash));
    let canonical = parent + name.slice(slash);
    if (isLink(base + canonical)) {
      const [real = canonical] = await root.realpath([canonical]);
      canonical = real === '/' ? '' : real;
    }
    known.set(name, canonical);
    return canonical;
  };
  for (const name of names) {
    const folder = folders.get(name);
    const parent = known.get(name.slice(0, name.lastIndexOf('/')));
    // not awaiting where nothing is to wait for: there are ten thousand of them
    if (parent !== undefined && folder !== undefined) {
      const canonical = parent + name.slice(name.lastIndexOf('/'));
      if (name === '' || !isLink(base + canonical)) {
        folder.canonical = name === '' ? '' : canonical;
        known.set(name, folder.canonical);
        continue;
      }
    }
    if (folder !== undefined) folder.canonical = await resolve(name);
  }
}

async function resolveRemotely(folders: ReadonlyMap<string, Folder>, names: string[], root: Root): Promise<void> {
  const real = await root.realpath(names.map((name) => (name === '' ? '/' : name)));
  for (const [index, name] of names.entries()) {
    const folder = folders.get(name);
    const canonical = real[index];
    if (folder !== undefined && canonical !== undefined) folder.canonical = canonical === '/' ? '' : canonical;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(encodeName(path), { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    return false;
  }
}
