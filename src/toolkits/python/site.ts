import { posix } from 'node:path';

import { byBytes, type Note } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { readLegacy } from './legacy.ts';
import { normalizeName, parseDirectUrl, parseMetadata, parseWheelInfo } from './metadata.ts';
import { parseRecord, recordPath } from './record.ts';
import type { SiteFile, SitePackage } from './site-package.ts';

/** A `site-packages` (or `dist-packages`) folder. */
export interface Site {
  readonly path: string;
  /** Sorted by key. */
  readonly packages: readonly SitePackage[];
  readonly notes: readonly Note[];
}

const mostPackages = 20_000;

/** Every package of a folder, by its own metadata. What can't be read costs its package's files, and a note. */
export async function readSite(root: Root, path: string): Promise<Site> {
  const packages: SitePackage[] = [];
  const notes: Note[] = [];
  const entries = await root.readdir(path).catch(() => []);
  const metadata = entries.filter(({ name }) => /\.(?:dist-info|egg-info|egg-link|egg)$/.test(name));
  for (const { name, type } of metadata.slice(0, mostPackages)) {
    const info = posix.join(path, name);
    const found =
      name.endsWith('.dist-info') && type === 'directory'
        ? await readDistInfo(root, path, info, notes)
        : await readLegacy(root, path, name, entries, notes);
    if (found !== undefined) packages.push(found);
  }
  packages.sort((a, b) => byBytes(a.key, b.key) || byBytes(a.info, b.info));
  return { path, packages: packages.filter(({ key }, index) => packages[index - 1]?.key !== key), notes };
}

async function readDistInfo(root: Root, site: string, info: string, notes: Note[]): Promise<SitePackage | undefined> {
  const names = (await root.readdir(info).catch(() => [])).map(({ name }) => name);
  const read = async (name: string, limit = 4 * 1024 * 1024) =>
    names.includes(name) ? await root.readFile(posix.join(info, name), limit).catch(() => undefined) : undefined;
  const text = await read('METADATA', 16 * 1024 * 1024);
  const metadata = (text === undefined ? undefined : parseMetadata(text)) ?? nameOf(info);
  if (metadata === undefined) {
    notes.push(unreadableNote(info, 'it names no package'));
    return undefined;
  }
  if (text !== undefined && parseMetadata(text) === undefined)
    notes.push(
      unreadableNote(`${info}/METADATA`, `it is cut short or broken; ${metadata.name} is known by its folder`),
    );
  const record = await read('RECORD', 256 * 1024 * 1024);
  const entries = record === undefined ? [] : parseRecord(record);
  const folder = posix.basename(info);
  const files: SiteFile[] = [];
  const listed = new Set<string>();
  for (const { path, hash, size } of entries) {
    const absolute = recordPath(site, path);
    if (absolute === undefined) continue;
    files.push(
      hash === undefined || size === undefined
        ? { path: absolute, ...(hash === undefined ? {} : { hash }) }
        : { path: absolute, hash, size },
    );
    if (path.startsWith(folder)) listed.add(path);
  }
  for (const name of names) if (!listed.has(`${folder}/${name}`)) files.push({ path: posix.join(info, name) });
  if (record === undefined) notes.push(unreadableNote(`${info}/RECORD`, 'its package’s files are not known'));
  else if (!listed.has(`${folder}/RECORD`)) notes.push(unreadableNote(`${info}/RECORD`, 'it is cut short or broken'));
  const wheel = await read('WHEEL');
  const direct = await read('direct_url.json');
  const parsedDirect = direct === undefined ? undefined : parseDirectUrl(direct);
  const installer = /^[\w.-]{1,64}$/.exec((await read('INSTALLER'))?.toString('utf8').trim() ?? '')?.[0];
  return {
    key: normalizeName(metadata.name),
    name: metadata.name,
    version: metadata.version,
    info,
    ...(installer === undefined ? {} : { installer }),
    requested: names.includes('REQUESTED'),
    requires: metadata.requires,
    ...(wheel === undefined ? {} : { wheel: parseWheelInfo(wheel) }),
    ...(parsedDirect === undefined ? {} : { direct: parsedDirect }),
    files,
    folders: [],
  };
}

/** What the folder is called: `NAME-VERSION.dist-info`. */
function nameOf(info: string): { name: string; version: string; requires: readonly string[] } | undefined {
  const [, name, version] = /^(\w[\w.]*)-(\d[\w.!+]*)\.dist-info$/.exec(posix.basename(info)) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version, requires: [] };
}

function unreadableNote(path: string, because: string): Note {
  return { kind: 'unreadable', path, text: `${path} could not be read: ${because}` };
}
