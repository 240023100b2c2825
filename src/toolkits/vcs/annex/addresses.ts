import { posix } from 'node:path';

import { lowerFolder, mixedFolder } from './key.ts';
import { webUuid, type SpecialRemote } from './logs.ts';

/** One place where a key's content may lie: an http(s) address, or a path of this machine. */
export interface ContentPlace {
  readonly kind: 'this machine' | 'web' | 'remote';
  readonly address: string;
}

/** What is known of a repository that had the key. */
export interface Surroundings {
  readonly path: string;
  readonly remotes: Readonly<Record<string, string>>;
  readonly special: readonly SpecialRemote[];
  readonly dataset?: string;
}

/** Where a key's content may be had without git-annex, in the order in which to look. */
export function addressesOf(
  { key, urls = [], at }: { readonly key: string; readonly urls?: readonly string[]; readonly at?: readonly string[] },
  { path, remotes, special, dataset }: Surroundings,
): readonly ContentPlace[] {
  const folders = [mixedFolder(key), lowerFolder(key)];
  const below = (top: string, middle: string): string[] =>
    folders.map((folder) => `${top}${middle}annex/objects/${folder}/`);
  const places: ContentPlace[] = [];
  for (const top of [path, ...Object.values(remotes).filter((one) => one.startsWith('/'))]) {
    const middles = top.endsWith('.git') ? ['/'] : ['/.git/', '/'];
    for (const folder of middles.flatMap((middle) => below(top, middle)))
      places.push({ kind: 'this machine', address: posix.join(folder, key, key) });
  }
  for (const url of urls) places.push({ kind: 'web', address: url });
  // who does not say that he has it is asked last
  const has = (name: string) => Number(at?.includes(name) === true);
  const name = encodeURIComponent(key);
  for (const [, address] of Object.entries(remotes).sort(([a], [b]) => has(b) - has(a))) {
    if (!/^https?:/.test(address)) continue;
    const top = address.replace(/\/+$/, '');
    const middles = top.endsWith('.git') ? ['/'] : ['/.git/', '/'];
    for (const folder of middles.flatMap((middle) => below(top, middle)))
      places.push({ kind: 'remote', address: `${folder}${name}/${name}` });
  }
  for (const one of special) {
    if (one.url === undefined || one.uuid === webUuid) continue;
    const top = one.url.replace(/[#/]+$/, '');
    if (one.type === 'ora') {
      const [store = '', id = dataset ?? ''] = top.split('#');
      if (!/^[0-9a-f-]{36}$/.test(id)) continue;
      for (const folder of below(`${store.replace(/\/+$/, '')}/${id.slice(0, 3)}/${id.slice(3)}`, '/'))
        places.push({ kind: 'remote', address: `${folder}${name}/${name}` });
    } else if (one.type === 'S3') places.push({ kind: 'remote', address: `${top}/${name}` });
    else for (const folder of folders) places.push({ kind: 'remote', address: `${top}/${folder}/${name}/${name}` });
  }
  return places;
}
