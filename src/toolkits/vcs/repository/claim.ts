import { posix } from 'node:path';

import { isWithin } from '../../../model/index.ts';
import type { Context, Owner, Root } from '../../../contract/index.ts';
import { findTops } from '../find.ts';
import { kindOf, type RepositoryKind } from '../kind.ts';
import { objectFolders } from '../read-objects.ts';
import { readWorkTree, type WorkTree } from '../worktree.ts';

/** One work tree with what is asked of it for every path. */
interface Tracked {
  readonly tree: WorkTree;
  readonly kind: RepositoryKind;
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
  readonly submodules: ReadonlySet<string>;
}

/** Work trees of one root, read once; and what looked like one and is none. */
interface Known {
  /** One trace: later ones look anew. */
  readonly context: Context | undefined;
  readonly trees: Map<string, Promise<Tracked | undefined>>;
  readonly broken: Map<string, string>;
  /** Who says what is broken: the first that is asked, each time. */
  reporter?: RepositoryKind;
}

const knownOf = new WeakMap<Root, Known>();

/**
 * Paths that git tracks, and what is in git dirs, wherever these lie. The owner is the outermost work tree that has the
 * path: a submodule's file belongs to the project that has the submodule. Datasets and repositories of git-annex are
 * projects of their own, also within others.
 */
export async function claim(
  kind: RepositoryKind,
  paths: readonly string[],
  root: Root,
  context: Context,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  if (knownOf.get(root)?.context !== context) knownOf.set(root, { context, trees: new Map(), broken: new Map() });
  const claimed = new Map<string, readonly Owner[]>();
  const settled = new Map<string, Claimant | undefined>();
  const settle = async (asked: Iterable<string>, topOf: (path: string) => string | undefined) => {
    for (const path of asked) {
      const top = topOf(path);
      if (top !== undefined && !settled.has(top)) settled.set(top, await claimantOf(root, top, topOf));
    }
  };
  const claimAll = (asked: readonly string[], find: (path: string) => Claimant | undefined) =>
    asked.filter((path) => {
      const claimant = find(path);
      if (claimant?.tracked.kind !== kind) return true;
      claimed.set(path, isOwnDatabase(claimant.tracked.tree, path) ? claimant.database : claimant.owners);
      return false;
    });
  const folders = new Map(paths.map((path) => [path, posix.dirname(path)]));
  const near = await findTops(new Set(folders.values()), root);
  await settle(new Set(folders.values()), near);
  const elsewhere = await gitDirsElsewhere(root, settled.values());
  const left = claimAll(paths, (path) => {
    for (let at = path; elsewhere.size > 0 && at !== '/'; at = posix.dirname(at)) {
      const claimant = elsewhere.get(at);
      if (claimant !== undefined) return claimant;
    }
    const claimant = settled.get(near(folders.get(path) ?? path) ?? '');
    return claimant !== undefined && isTracked(claimant.tracked, path) ? claimant : undefined;
  });
  // a folder that nobody has may be the top of a work tree itself
  const stats = await root.lstat(left);
  const found = left.filter((_, index) => stats[index]?.type === 'directory');
  const at = await findTops(found, root);
  await settle(found, at);
  claimAll(found, (path) => {
    const claimant = settled.get(at(path) ?? '');
    return claimant !== undefined && isTracked(claimant.tracked, path) ? claimant : undefined;
  });
  return claimed;
}

/** A work tree that may have a path, and the owner of what it has. */
interface Claimant {
  readonly tracked: Tracked;
  readonly owners: readonly Owner[];
  /** Of what is in its git dir: made anew, from commit and refs. */
  readonly database: readonly Owner[];
}

/** The one for what lies in `top`: like git, past what looks like a repository and is none. */
async function claimantOf(
  root: Root,
  top: string,
  topOf: (path: string) => string | undefined,
): Promise<Claimant | undefined> {
  for (let at: string | undefined = top; at !== undefined; at = at === '/' ? undefined : topOf(posix.dirname(at))) {
    const tracked = await trackedAt(root, at);
    if (tracked === undefined) continue;
    const project = await projectOf(root, tracked, topOf);
    const owner: Owner = { key: project, instance: project };
    return { tracked, owners: [owner], database: [{ ...owner, explained: 'git’s own database' }] };
  }
  return undefined;
}

/**
 * Git dirs that are not the `.git` of their work trees: of linked work trees, absorbed submodules, `--separate-git-dir`;
 * and folders of objects that are borrowed. What is read there is read for that work tree.
 */
async function gitDirsElsewhere(
  root: Root,
  claimants: Iterable<Claimant | undefined>,
): Promise<ReadonlyMap<string, Claimant>> {
  const found = new Map<string, Claimant>();
  for (const claimant of claimants) {
    if (claimant === undefined) continue;
    const { top, gitDir, commonDir } = claimant.tracked.tree;
    const borrowed = (await objectFolders(root, commonDir)).slice(1);
    for (const folder of [gitDir, commonDir, ...borrowed])
      if (folder !== posix.join(top, '.git') && !found.has(folder)) found.set(folder, claimant);
  }
  return found;
}

/** What looked like a work tree and could not be recorded, by folder: why. It is told to one kind only. */
export function brokenTrees(root: Root, kind: RepositoryKind): ReadonlyMap<string, string> {
  const known = knownOf.get(root);
  if (known !== undefined) known.reporter ??= kind;
  return known?.reporter === kind ? known.broken : new Map<string, string>();
}

/** The work tree at `top`, as it was read for claiming. */
export async function treeAt(root: Root, top: string): Promise<WorkTree | undefined> {
  return (await trackedAt(root, top))?.tree;
}

async function trackedAt(root: Root, top: string): Promise<Tracked | undefined> {
  let known = knownOf.get(root);
  if (known === undefined) knownOf.set(root, (known = { context: undefined, trees: new Map(), broken: new Map() }));
  const held = known.trees.get(top);
  if (held !== undefined) return await held;
  const fresh = readTracked(root, top, known.broken);
  known.trees.set(top, fresh);
  return await fresh;
}

/** Who tracks a whole system, or its configuration (etckeeper), has passwords in it. */
const systems: ReadonlySet<string> = new Set(['/', '/etc', '/usr', '/var', '/home']);

async function readTracked(root: Root, top: string, broken: Map<string, string>): Promise<Tracked | undefined> {
  if (systems.has(top)) {
    broken.set(top, 'it tracks a part of the system');
    return undefined;
  }
  const tree = await readWorkTree(root, top);
  if ('because' in tree) {
    broken.set(top, tree.because);
    return undefined;
  }
  const files = new Set<string>();
  const folders = new Set<string>();
  const submodules = new Set<string>();
  for (const { path, mode } of tree.index) {
    if (mode === 0o160000) submodules.add(path);
    else if (mode !== 0o040000) files.add(path);
    for (let at = mode === 0o040000 ? path : parentOf(path); at !== '' && !folders.has(at); at = parentOf(at))
      folders.add(at);
  }
  return { tree, kind: await kindOf(root, tree), files, folders, submodules };
}

/** Whether a path that belongs to a work tree is in its git dir, wherever that lies; annexed content is content. */
function isOwnDatabase({ top, gitDir, commonDir }: WorkTree, path: string): boolean {
  if (path.includes('/annex/objects/')) return false;
  return !isWithin(path, top) || [posix.join(top, '.git'), gitDir, commonDir].some((folder) => isWithin(path, folder));
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

function isTracked({ tree, files, folders, submodules }: Tracked, path: string): boolean {
  if (path === tree.top) return true;
  const relative = path.slice(tree.top === '/' ? 1 : tree.top.length + 1);
  if (relative === '.git' || relative.startsWith('.git/')) return true;
  return files.has(relative) || folders.has(relative) || submodules.has(relative);
}

/** The outermost project that a work tree is a submodule of, or its own top. */
async function projectOf(
  root: Root,
  { tree, kind }: Tracked,
  topOf: (path: string) => string | undefined,
): Promise<string> {
  let project = tree.top;
  while (project !== '/' && kind === 'git') {
    const above = topOf(posix.dirname(project));
    const tracked = above === undefined ? undefined : await trackedAt(root, above);
    if (tracked?.kind !== 'git' || !tracked.submodules.has(posix.relative(tracked.tree.top, project))) return project;
    project = tracked.tree.top;
  }
  return project;
}

/** Whether the work tree at `top` is of a kind that stands for itself, also as a submodule. */
export async function kindAt(root: Root, top: string): Promise<RepositoryKind | undefined> {
  return (await trackedAt(root, top))?.kind;
}
