import type { Root, ScanOptions } from '../../contract/index.ts';
import { byBytes, isWithin, type Entry } from '../../model/index.ts';

/** A tree that was just read: sha256 and md5 of every file, owners as they count. */
export interface ReadTree {
  /** In byte order of paths. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** What was not entered. */
  readonly except: readonly string[];
}

/** The root, with what was just read of it at hand: no file is read twice. */
export function rememberTree(root: Root, tree: ReadTree): Root {
  return {
    label: root.label,
    ...(root.directory === undefined ? {} : { directory: root.directory }),
    readFile: (path, limit) => root.readFile(path, limit),
    readdir: (path) => root.readdir(path),
    readlink: (path) => root.readlink(path),
    lstat: (paths) => root.lstat(paths),
    realpath: (paths) => root.realpath(paths),
    digest: (paths, algorithm) => digestFrom(tree, root, paths, algorithm),
    scan: (options = {}) => scanFrom(tree, root, options),
    async [Symbol.asyncDispose]() {}, // the root is its owner's
  };
}

async function digestFrom(
  { entries }: ReadTree,
  root: Root,
  paths: readonly string[],
  algorithm: 'sha256' | 'md5',
): Promise<readonly (string | undefined)[]> {
  const digests = paths.map((path) => entries.get(path)?.[algorithm]);
  const open = [...digests.keys()].filter((index) => digests[index] === undefined);
  if (open.length === 0) return digests;
  // links, and paths through links
  const real = await root.realpath(open.map((index) => paths[index] as string));
  const rest: { readonly index: number; readonly path: string }[] = [];
  for (const [at, index] of open.entries()) {
    const path = real[at];
    if (path === undefined) continue;
    digests[index] = entries.get(path)?.[algorithm];
    if (digests[index] === undefined) rest.push({ index, path });
  }
  if (rest.length === 0) return digests;
  const made = await root.digest(
    rest.map(({ path }) => path),
    algorithm,
  );
  for (const [at, { index }] of rest.entries()) digests[index] = made[at];
  return digests;
}

async function* scanFrom(tree: ReadTree, root: Root, options: ScanOptions): AsyncIterable<Entry> {
  const below = options.below ?? ['/'];
  const isKnown = (path: string) => !tree.except.some((left) => isWithin(path, left) || isWithin(left, path));
  if (!below.every(isKnown)) {
    yield* root.scan(options);
    return;
  }
  const except = new Set(options.except);
  const wanted = new Set(below);
  for (const path of [...entriesBelow(tree, wanted)].sort(byBytes)) {
    if (except.size > 0 && [...except].some((left) => isWithin(path, left))) continue;
    const entry = tree.entries.get(path);
    if (entry !== undefined) yield entry;
  }
}

/** A few folders are looked for in the whole tree; many single paths one by one. */
function entriesBelow({ entries }: ReadTree, wanted: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const folders = [...wanted].filter((path) => entries.get(path)?.type === 'directory');
  for (const path of wanted) if (entries.has(path)) found.add(path);
  if (folders.length === 0) return found;
  const inside = new Set(folders);
  for (const path of entries.keys()) {
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      if (inside.has(path.slice(0, end) || '/')) {
        found.add(path);
        break;
      }
      if (end === 0) break;
    }
  }
  return found;
}
