import type { Root } from '../../contract/index.ts';
import type { Entry } from '../../model/index.ts';

/** The root, with the digests of a tree that was just read at hand: nothing is hashed twice. */
export function rememberDigests(root: Root, tree: ReadonlyMap<string, Entry>): Root {
  const known = (path: string, algorithm: 'sha256' | 'md5'): string | undefined => tree.get(path)?.[algorithm];
  return {
    label: root.label,
    ...(root.directory === undefined ? {} : { directory: root.directory }),
    readFile: (path, limit) => root.readFile(path, limit),
    readdir: (path) => root.readdir(path),
    readlink: (path) => root.readlink(path),
    lstat: (paths) => root.lstat(paths),
    realpath: (paths) => root.realpath(paths),
    scan: (options) => root.scan(options),
    async digest(paths, algorithm) {
      const digests = paths.map((path) => known(path, algorithm));
      const open = [...digests.keys()].filter((index) => digests[index] === undefined);
      if (open.length === 0) return digests;
      // links, and paths through links
      const real = await root.realpath(open.map((index) => paths[index] as string));
      const rest: { readonly index: number; readonly path: string }[] = [];
      for (const [at, index] of open.entries()) {
        const path = real[at];
        if (path === undefined) continue;
        digests[index] = known(path, algorithm);
        if (digests[index] === undefined) rest.push({ index, path });
      }
      const made = await root.digest(
        rest.map(({ path }) => path),
        algorithm,
      );
      for (const [at, { index }] of rest.entries()) digests[index] = made[at];
      return digests;
    },
    async [Symbol.asyncDispose]() {}, // the root is its owner's
  };
}
