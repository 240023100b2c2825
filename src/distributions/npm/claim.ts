import { posix } from 'node:path';

import { isSecretPath, isWithin } from '../../model/index.ts';
import type { Context, Owner, Root, TraceContext } from '../../contract/index.ts';
import { readLayout, type Layout } from './layout.ts';
import { modulesOf } from './spec.ts';

/** A tree, and how it answers whose a path is. */
interface Known {
  readonly layout: Layout;
  readonly owners: Map<string, readonly Owner[]>;
}

/** Trees of one root, by the folder that holds `node_modules`; read once in a trace. */
const knownOf = new WeakMap<
  Root,
  { readonly context: Context; readonly trees: Map<string, Promise<Known | undefined>> }
>();

/**
 * Paths in a `node_modules`, and the commands of global trees. A file belongs to the package with the longest key that
 * it lies below; what belongs to no package (lock files, `.bin`) to the tree. What came with Node itself is not ours.
 */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context | TraceContext,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const whole = 'whole' in context ? context.whole : [];
  const claimed = new Map<string, readonly Owner[]>();
  const unsure: { readonly path: string; readonly owners: readonly Owner[] }[] = [];
  let last: { folder: string; known: Known | undefined; key: string } | undefined;
  for (const path of paths) {
    const end = path.lastIndexOf('/');
    if (last === undefined || end !== last.folder.length || !path.startsWith(last.folder)) {
      const folder = path.slice(0, end);
      const known = await knownFor(root, path, folder, context);
      last = { folder, known, key: known === undefined ? '' : keyOf(known.layout, `${folder}/`) };
    }
    if (last.known === undefined || isSecretPath(path)) continue;
    if (whole.some((one) => isWithin(path, one))) continue;
    const { layout } = last.known;
    const bin = layout.bins.get(path);
    if (bin !== undefined) claimed.set(path, ownersOf(last.known, bin));
    else if (last.key !== '') claimed.set(path, ownersOf(last.known, last.key));
    else if (layout.folders.some((one) => isWithin(path, one)) && !layout.except.some((one) => isWithin(path, one))) {
      unsure.push({ path, owners: ownersOf(last.known, keyOf(layout, `${path}/`) || modulesOf(layout)) });
    }
  }
  const stats = await root.lstat(unsure.map(({ path }) => path));
  for (const [index, { path, owners }] of unsure.entries()) if (stats[index] !== undefined) claimed.set(path, owners);
  return claimed;
}

/** The layout of the tree at this path, as it was read for claiming. */
export async function layoutAt(root: Root, top: string, context: Context): Promise<Layout | undefined> {
  for (const tree of treesOf(root, context).values()) {
    const known = await tree;
    if (known?.layout.top === top) return known.layout;
  }
  return undefined;
}

function treesOf(root: Root, context: Context): Map<string, Promise<Known | undefined>> {
  const held = knownOf.get(root);
  if (held?.context === context) return held.trees;
  const trees = new Map<string, Promise<Known | undefined>>();
  knownOf.set(root, { context, trees });
  return trees;
}

/** The key of the package that a path lies in, the longest there is: `''` where none is known. */
function keyOf({ top, packages }: Layout, path: string): string {
  const start = top === '/' ? 1 : top.length + 1;
  for (let at = path.lastIndexOf('/node_modules/'); at >= 0; at = path.lastIndexOf('/node_modules/', at - 1)) {
    let end = path.indexOf('/', at + 14);
    if (end > 0 && path.charCodeAt(at + 14) === 64) end = path.indexOf('/', end + 1);
    if (end < 0) continue;
    const key = path.slice(start, end);
    if (packages.has(key)) return key;
    if (at < start) break;
  }
  return '';
}

function ownersOf({ layout, owners }: Known, key: string): readonly Owner[] {
  let found = owners.get(key);
  if (found === undefined) owners.set(key, (found = [{ key, instance: layout.top }]));
  return found;
}

async function knownFor(root: Root, path: string, folder: string, context: Context): Promise<Known | undefined> {
  const trees = treesOf(root, context);
  const at = path.indexOf('/node_modules/');
  // the folder may be what is asked for itself
  const outer = at >= 0 ? path.slice(0, at) : path.endsWith('/node_modules') ? folder : undefined;
  if (outer !== undefined) return await knownAt(root, outer, trees);
  if (!folder.endsWith('/bin')) return undefined;
  const known = await knownAt(root, `${posix.dirname(folder)}/lib`.replace('//', '/'), trees);
  return known?.layout.global === true ? known : undefined;
}

async function knownAt(
  root: Root,
  outer: string,
  trees: Map<string, Promise<Known | undefined>>,
): Promise<Known | undefined> {
  let held = trees.get(outer);
  if (held === undefined) trees.set(outer, (held = readKnown(root, outer, trees)));
  return await held;
}

/** Files at the top of a tree that an installer leaves: a tree of its own, then. */
const marks = ['.package-lock.json', '.modules.yaml', '.yarn-integrity', '.yarn-state.yml'];

async function readKnown(
  root: Root,
  outer: string,
  trees: Map<string, Promise<Known | undefined>>,
): Promise<Known | undefined> {
  const modules = `${outer === '/' ? '' : outer}/node_modules`;
  const asked = [modules, `${outer}/package.json`, ...marks.map((mark) => `${modules}/${mark}`)];
  const [stat, project, ...marked] = await root.lstat(asked);
  if (stat?.type !== 'directory') return undefined;
  const isMarked = marked.some((one) => one !== undefined);
  if (!isMarked) {
    if (posix.basename(outer) === 'lib' && project === undefined) {
      const layout = await readLayout(root, posix.dirname(outer), true);
      return layout === undefined ? undefined : { layout, owners: new Map() };
    }
    for (let above = posix.dirname(outer); outer !== '/'; above = posix.dirname(above)) {
      const project = above.includes('/node_modules') ? undefined : await knownAt(root, above, trees);
      if (project?.layout.folders.includes(modules) === true) return project;
      if (above === '/') break;
    }
  }
  const layout = await readLayout(root, outer, false);
  return layout === undefined ? undefined : { layout, owners: new Map() };
}
