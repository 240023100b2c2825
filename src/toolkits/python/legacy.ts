import { posix } from 'node:path';

import { isSafeAbsolute, type Note } from '../../model/index.ts';
import type { DirectoryEntry, Root } from '../../contract/index.ts';
import { normalizeName, parseMetadata, type Metadata } from './metadata.ts';
import type { SitePackage } from './site-package.ts';

/**
 * A package that setuptools or distutils put there before wheels were: an `.egg-info` (with installed-files.txt, else
 * top_level.txt), an `.egg` folder or zip, or an `.egg-link` to a checkout.
 */
export async function readLegacy(
  root: Root,
  site: string,
  name: string,
  beside: readonly DirectoryEntry[],
  notes: Note[],
): Promise<SitePackage | undefined> {
  const path = posix.join(site, name);
  const type = beside.find((entry) => entry.name === name)?.type;
  if (name.endsWith('.egg-link')) return await readLink(root, path, notes);
  const inside = name.endsWith('.egg') ? posix.join(path, 'EGG-INFO') : path;
  const isFolder = type === 'directory';
  const text =
    isFolder || !name.endsWith('.egg') ? await read(root, isFolder ? posix.join(inside, 'PKG-INFO') : path) : undefined;
  const metadata = (text === undefined ? undefined : parseMetadata(text)) ?? nameOf(name);
  if (metadata === undefined) {
    notes.push({ kind: 'unreadable', path, text: `${path} could not be read: it names no package` });
    return undefined;
  }
  const own = isFolder ? { files: [], folders: [path] } : { files: [path], folders: [] };
  const rest =
    name.endsWith('.egg-info') && isFolder ? await listed(root, site, path, beside) : { files: [], folders: [] };
  return toPackage(metadata, path, [...own.files, ...rest.files], [...own.folders, ...rest.folders]);
}

function toPackage(
  metadata: Metadata,
  info: string,
  files: readonly string[],
  folders: readonly string[],
): SitePackage {
  return {
    key: normalizeName(metadata.name),
    name: metadata.name,
    version: metadata.version,
    info,
    requested: false,
    requires: metadata.requires,
    files: files.map((path) => ({ path })),
    folders,
  };
}

/** What installed-files.txt (relative to the `.egg-info`) lists; else the modules that top_level.txt names. */
async function listed(
  root: Root,
  site: string,
  info: string,
  beside: readonly DirectoryEntry[],
): Promise<{ files: string[]; folders: string[] }> {
  const text = await read(root, posix.join(info, 'installed-files.txt'));
  if (text !== undefined) {
    const lines = text
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim());
    const files = lines.filter((line) => line !== '').map((line) => posix.resolve(info, line));
    return { files: files.filter(isSafeAbsolute), folders: [] };
  }
  const top = (await read(root, posix.join(info, 'top_level.txt')))?.toString('utf8').split('\n') ?? [];
  const files: string[] = [];
  const folders: string[] = [];
  for (const line of top) {
    const module = /^\w+$/.exec(line.trim())?.[0];
    if (module === undefined) continue;
    for (const { name, type } of beside) {
      if (name === module && type === 'directory') folders.push(posix.join(site, name));
      else if (name === `${module}.py` || (name.startsWith(`${module}.`) && name.endsWith('.so')))
        files.push(posix.join(site, name));
    }
  }
  return { files, folders };
}

/** The checkout stands in the first line; its own `.egg-info` says what it is. */
async function readLink(root: Root, path: string, notes: Note[]): Promise<SitePackage | undefined> {
  const folder = (await read(root, path))?.toString('utf8').split('\n')[0]?.trim() ?? '';
  const name = posix.basename(path, '.egg-link');
  const found = isSafeAbsolute(folder) ? await root.readdir(folder).catch(() => []) : [];
  const info = found.find(
    (entry) => entry.name.endsWith('.egg-info') && normalizeName(entry.name.slice(0, -9)) === normalizeName(name),
  );
  const text = info === undefined ? undefined : await read(root, posix.join(folder, info.name, 'PKG-INFO'));
  const metadata = text === undefined ? undefined : parseMetadata(text);
  if (metadata === undefined) {
    notes.push({ kind: 'unreadable', path, text: `${path} could not be read: it leads to no package` });
    return undefined;
  }
  return { ...toPackage(metadata, path, [path], []), direct: { kind: 'folder', path: folder, editable: true } };
}

/** `NAME-VERSION-py3.11.egg-info`. */
function nameOf(file: string): Metadata | undefined {
  const [, name, version] = /^(\w[\w.]*)-(\d[\w.!+]*?)(?:-py\d[\d.]*)?(?:-[\w.]+)?\.egg(?:-info)?$/.exec(file) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version, requires: [] };
}

async function read(root: Root, path: string): Promise<Buffer | undefined> {
  return await root.readFile(path, 16 * 1024 * 1024).catch(() => undefined);
}
