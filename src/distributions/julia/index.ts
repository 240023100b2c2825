import { posix } from 'node:path';

import { libraryDistribution } from '../../toolkits/libraries/distribution.ts';
import { byPattern, namesIn, readText } from '../../toolkits/libraries/kind.ts';

/** A depot's parts (Pkg's manual, "Depots"): packages by name and slug, artifacts by the hash of their tree. */
const find = byPattern(
  /^(.+)\/(?:(packages\/[^/]+\/\w{4,5}|artifacts\/[0-9a-f]{40})\/.*|(compiled|environments|registries)\/.+)$/,
  ([, , key, part]) => key ?? part,
);

/** Julia packages and artifacts in a depot. */
export const julia = libraryDistribution({
  type: 'julia',
  title: 'Julia',
  noun: 'Julia depot',
  programs: /^julia$/,
  command: 'julia',
  needs: [],
  activate: (path) =>
    posix.basename(path) === '.julia' ? [] : [{ do: 'prepend', name: 'JULIA_DEPOT_PATH', value: path }],
  async find(paths, root) {
    const found = find(paths);
    const tops = [...new Set([...found.values()].map(({ top }) => top))];
    const stats = await root.lstat(tops.flatMap((top) => [`${top}/packages`, `${top}/registries`, `${top}/compiled`]));
    const isDepot = (index: number) =>
      stats[3 * index] !== undefined && (stats[3 * index + 1] !== undefined || stats[3 * index + 2] !== undefined);
    const known = new Set(tops.filter((_, index) => isDepot(index)));
    return new Map([...found].filter(([, { top }]) => known.has(top)));
  },
  async list(root, top) {
    const keys = (await namesIn(root, `${top}/artifacts`, 'directory')).map((hash) => `artifacts/${hash}`);
    for (const name of await namesIn(root, `${top}/packages`, 'directory')) {
      for (const slug of await namesIn(root, `${top}/packages/${name}`, 'directory'))
        keys.push(`packages/${name}/${slug}`);
    }
    return keys;
  },
  async read(root, top, key) {
    const [, hash] = /^artifacts\/([0-9a-f]{40})$/.exec(key) ?? [];
    if (hash !== undefined) return { name: 'artifact', version: hash, paths: [key] };
    const project = await readText(root, `${top}/${key}/Project.toml`);
    const field = (name: string) => new RegExp(String.raw`^${name}\s*=\s*"([^"\n]+)"`, 'm').exec(project ?? '')?.[1];
    const [name, version, uuid] = ['name', 'version', 'uuid'].map(field);
    if (name === undefined) return undefined;
    return { name, version: version ?? '', paths: [key], ...(uuid === undefined ? {} : { facts: { uuid } }) };
  },
});
