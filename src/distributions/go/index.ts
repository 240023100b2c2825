import { libraryDistribution } from '../../toolkits/libraries/distribution.ts';
import { byPattern, namesIn } from '../../toolkits/libraries/kind.ts';
import type { Root } from '../../contract/index.ts';

/** `MODULE@VERSION`, capitals as `!` and the small letter (Go Modules Reference, "Module cache"). */
const find = byPattern(
  /^(.+\/pkg\/mod)\/(?:((?:[^/@]+\/)*[^/@]+@v[^/]+)\/.*|(cache)\/download\/.+)$/,
  ([, , key, part]) => key ?? part,
);

/** Modules in Go's module cache. */
export const go = libraryDistribution({
  type: 'go',
  title: 'Go modules',
  noun: 'Go module cache',
  programs: /^go$/,
  command: 'go',
  needs: [{ program: 'go', debian: ['golang-go'], redhat: ['golang'] }],
  find: async (paths) => find(paths),
  list: async (root, top) => await listModules(root, top, '', 0),
  async read(root, top, key) {
    const at = key.lastIndexOf('@');
    const [stat] = await root.lstat([`${top}/${key}`]);
    if (at < 1 || stat === undefined) return undefined;
    return { name: unescape(key.slice(0, at)), version: unescape(key.slice(at + 1)), paths: [key] };
  },
});

async function listModules(root: Root, top: string, below: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(root, `${top}/${below}`, 'directory')) {
    const key = below === '' ? name : `${below}/${name}`;
    if (name.includes('@')) found.push(key);
    else if (key !== 'cache' && depth < 8) found.push(...(await listModules(root, top, key, depth + 1)));
  }
  return found;
}

function unescape(text: string): string {
  return text.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
