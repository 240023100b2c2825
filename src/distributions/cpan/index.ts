import { posix } from 'node:path';

import { isWithin } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { libraryDistribution } from '../../toolkits/libraries/distribution.ts';
import { namesIn, readText, type Found } from '../../toolkits/libraries/kind.ts';
import { parseInstall, parsePacklist, parsePerllocal, parseVersion } from './installed.ts';

/** A place below which Perl's own, a site's, or local::lib's modules lie: the first group is where all of it is. */
const place =
  /^(.+?)\/(?:lib\/perl5|share\/perl\/[\d.]+|lib\/[^/]+\/perl\/[\d.]+|lib\/site_perl|bin|man|share\/man)\/.+$/;

/** Distributions that CPAN's clients installed: each keeps a `.packlist` of its files (ExtUtils::Packlist). */
export const cpan = libraryDistribution({
  type: 'cpan',
  title: 'CPAN',
  noun: 'Perl library',
  programs: /^perl[\d.]*$/,
  command: 'perl',
  needs: [{ program: 'perl', debian: ['perl'], redhat: ['perl'] }],
  activate: (path) =>
    path === '/usr/local'
      ? []
      : [
          { do: 'prepend', name: 'PERL5LIB', value: posix.join(path, 'lib/perl5') },
          { do: 'prepend', name: 'PATH', value: posix.join(path, 'bin') },
        ],
  async find(paths, root) {
    const indices = new Map<string, Map<string, string>>();
    const found = new Map<string, Found>();
    for (const path of paths) {
      const top = place.exec(path)?.[1];
      if (top === undefined) continue;
      const index = indices.get(top) ?? (await filesOf(root, top));
      indices.set(top, index);
      const key = index.get(path);
      if (key !== undefined) found.set(path, { top, key });
    }
    return found;
  },
  list: listPacklists,
  async read(root, top, key) {
    const [, folder, part] = /^(.*)\/auto\/(.+)\/\.packlist$/.exec(key) ?? [];
    const text = await readText(root, `${top}/${key}`);
    if (folder === undefined || part === undefined || text === undefined) return undefined;
    const name = part.replaceAll('/', '::');
    const files = parsePacklist(text).filter((file) => isWithin(file, top));
    const meta = await metaOf(root, `${top}/${folder}`, name);
    const local = meta === undefined ? await readText(root, `${top}/${folder}/perllocal.pod`) : undefined;
    const main = files.find((file) => file.endsWith(`/${part}.pm`));
    const version =
      meta?.version ??
      parsePerllocal(local ?? '').get(name) ??
      parseVersion((main === undefined ? undefined : await readText(root, main)) ?? '');
    return {
      name,
      version: version ?? '',
      paths: [
        key,
        ...(meta === undefined ? [] : [posix.relative(top, meta.folder)]),
        ...files.map((file) => posix.relative(top, file)),
      ],
      ...(meta?.archive === undefined ? {} : { facts: { archive: meta.archive } }),
    };
  },
});

/** Every file that a packlist names, with that packlist; and the packlists themselves. */
async function filesOf(root: Root, top: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const key of await listPacklists(root, top)) {
    files.set(`${top}/${key}`, key);
    for (const file of parsePacklist((await readText(root, `${top}/${key}`)) ?? '')) {
      if (isWithin(file, top)) files.set(file, key);
    }
  }
  return files;
}

async function listPacklists(root: Root, top: string): Promise<string[]> {
  const keys: string[] = [];
  for (const folder of await foldersOf(root, top)) await addPacklists(root, top, `${folder}/auto`, keys, 0);
  return keys;
}

/** The folders that may have an `auto`: those of an architecture, mostly. */
async function foldersOf(root: Root, top: string): Promise<string[]> {
  const below = async (folder: string) =>
    (await namesIn(root, `${top}/${folder}`, 'directory')).map((name) => `${folder}/${name}`);
  const deeper = async (folders: readonly string[]) => (await Promise.all(folders.map(below))).flat();
  const sites = ['lib/perl5', 'lib/perl5/site_perl', 'lib/site_perl'];
  const first = await deeper(sites);
  const second = await deeper(first.filter((folder) => /\/site_perl\//.test(folder)));
  const system = await deeper((await below('lib')).map((folder) => `${folder}/perl`));
  return [...new Set([...sites, ...first, ...second, ...system])].sort();
}

async function addPacklists(root: Root, top: string, folder: string, keys: string[], depth: number): Promise<void> {
  for (const { name, type } of await root.readdir(`${top}/${folder}`).catch(() => [])) {
    if (name === '.packlist' && type === 'file') keys.push(`${folder}/${name}`);
    else if (type === 'directory' && depth < 12) await addPacklists(root, top, `${folder}/${name}`, keys, depth + 1);
  }
}

/** What cpanm and local::lib keep beside: `.meta/NAME-VERSION/install.json`. */
async function metaOf(
  root: Root,
  folder: string,
  name: string,
): Promise<{ folder: string; version: string; archive?: string } | undefined> {
  for (const one of (await namesIn(root, `${folder}/.meta`, 'directory')).toSorted().toReversed()) {
    if (!one.startsWith(`${name.replaceAll('::', '-')}-`)) continue;
    const told = parseInstall((await readText(root, `${folder}/.meta/${one}/install.json`)) ?? '');
    if (told?.name === name) return { folder: `${folder}/.meta/${one}`, ...told };
  }
  return undefined;
}
