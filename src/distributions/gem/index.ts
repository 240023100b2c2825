import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { libraryDistribution } from '../../toolkits/libraries/distribution.ts';
import { byPattern, namesIn, readText } from '../../toolkits/libraries/kind.ts';
import { parseGemspec } from './gemspec.ts';

/** A gem's folders and files have its full name, NAME-VERSION or NAME-VERSION-PLATFORM (`gem help`, "Gem paths"). */
const part =
  /^(.+)\/(?:gems\/([^/]+)\/.*|specifications\/(?:default\/)?([^/]+)\.gemspec|extensions\/[^/]+\/[^/]+\/([^/]+)\/.*|build_info\/([^/]+)\.info)$/;
const find = byPattern(part, ([, , gem, specification, extension, info]) => gem ?? specification ?? extension ?? info);

/** Gems that RubyGems or Bundler installed: a folder with `gems` and `specifications`. */
export const gem = libraryDistribution({
  type: 'gem',
  title: 'RubyGems',
  noun: 'gem folder',
  programs: /^(?:j?ruby|truffleruby)[\d.]*$/,
  command: 'ruby',
  needs: [{ program: 'ruby', debian: ['ruby'], redhat: ['ruby'] }],
  activate: (path) => [
    { do: 'prepend', name: 'GEM_PATH', value: path },
    { do: 'prepend', name: 'PATH', value: posix.join(path, 'bin') },
  ],
  async find(paths, root) {
    const found = find(paths);
    const commands = paths.filter((path) => command.test(path));
    const folders = commands.map((path) => posix.dirname(posix.dirname(path)));
    const tops = [...new Set([...[...found.values()].map(({ top }) => top), ...folders])];
    const stats = await root.lstat(tops.map((top) => `${top}/specifications`));
    const known = new Set(tops.filter((_, index) => stats[index]?.type === 'directory'));
    const bins = new Map<string, ReadonlyMap<string, string>>();
    for (const top of new Set(folders)) if (known.has(top)) bins.set(top, await commandsOf(root, top));
    for (const [index, path] of commands.entries()) {
      const top = folders[index] ?? '';
      const key = bins.get(top)?.get(posix.basename(path));
      if (key !== undefined) found.set(path, { top, key });
    }
    return new Map([...found].filter(([, { top }]) => known.has(top)));
  },
  list: listGems,
  told: (key) => `specifications/${key}.gemspec`,
  async read(root, top, key) {
    const told = parseGemspec((await readText(root, `${top}/specifications/${key}.gemspec`)) ?? '');
    if (told === undefined) return undefined;
    const platforms: string[] = [];
    for (const platform of await namesIn(root, `${top}/extensions`, 'directory')) {
      for (const api of await namesIn(root, `${top}/extensions/${platform}`, 'directory'))
        platforms.push(`extensions/${platform}/${api}/${key}`);
    }
    const commands = told.executables.map((name) => `bin/${name}`);
    const own = [`gems/${key}`, `specifications/${key}.gemspec`, `build_info/${key}.info`];
    return {
      name: told.name,
      version: told.version,
      requires: told.requires,
      paths: [...own, ...platforms, ...commands],
    };
  },
});

const command = /^.+\/bin\/[^/]+$/;

async function listGems(root: Root, top: string): Promise<string[]> {
  const specifications = await namesIn(root, `${top}/specifications`, 'file');
  return specifications.flatMap((name) => /^(.+)\.gemspec$/.exec(name)?.[1] ?? []);
}

/** The commands of a gem folder, with the gem that they are of. */
async function commandsOf(root: Root, top: string): Promise<Map<string, string>> {
  const commands = new Map<string, string>();
  for (const key of await listGems(root, top)) {
    const told = parseGemspec((await readText(root, `${top}/specifications/${key}.gemspec`)) ?? '');
    for (const name of told?.executables ?? []) commands.set(name, key);
  }
  return commands;
}
