import { libraryDistribution } from '../../toolkits/libraries/distribution.ts';
import { byPattern, namesIn } from '../../toolkits/libraries/kind.ts';

/** `src/INDEX/NAME-VERSION` (The Cargo Book, "Cargo Home"). */
const find = byPattern(
  /^(.+\/registry)\/src\/([^/]+-[0-9a-f]{16}\/[^/]+-\d+\.\d+\.\d+[^/]*)\/.*$/,
  ([, , key]) => `src/${key}`,
);

/** Crates that cargo unpacked to build with. */
export const cargo = libraryDistribution({
  type: 'cargo',
  title: 'cargo',
  noun: 'cargo registry',
  programs: /^(?:cargo|rustc)$/,
  command: 'cargo',
  needs: [{ program: 'cargo', debian: ['cargo'], redhat: ['cargo'] }],
  find: async (paths) => find(paths),
  async list(root, top) {
    const keys: string[] = [];
    for (const index of await namesIn(root, `${top}/src`, 'directory')) {
      for (const name of await namesIn(root, `${top}/src/${index}`, 'directory')) keys.push(`src/${index}/${name}`);
    }
    return keys;
  },
  async read(root, top, key) {
    const [, name, version] = /([^/]+?)-(\d+\.\d+\.\d+[^/]*)$/.exec(key) ?? [];
    const [stat] = await root.lstat([`${top}/${key}`]);
    if (name === undefined || version === undefined || stat === undefined) return undefined;
    return { name, version, paths: [key] };
  },
});
