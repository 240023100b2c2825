import { posix } from 'node:path';

import type { Context, Owner, Root } from '../../contract/index.ts';
import { findTops } from '../../toolkits/vcs/find.ts';
import { readWorkingCopy, type WorkingCopy } from './database.ts';

/** Working copies of one root, read once a trace. */
interface Known {
  readonly context: Context;
  readonly copies: Map<string, Promise<WorkingCopy | undefined>>;
  readonly broken: Map<string, string>;
}

const knownOf = new WeakMap<Root, Known>();

/** Paths that a working copy versions, and what is in its `.svn`. */
export async function claim(
  paths: readonly string[],
  root: Root,
  context: Context,
): Promise<ReadonlyMap<string, readonly Owner[]>> {
  if (knownOf.get(root)?.context !== context) knownOf.set(root, { context, copies: new Map(), broken: new Map() });
  const claimed = new Map<string, readonly Owner[]>();
  const versioned = new Map<string, Versioned | undefined>();
  const claimAll = async (asked: readonly string[], topOf: (path: string) => string | undefined) => {
    const left: string[] = [];
    for (const path of asked) {
      const near = topOf(path);
      if (near !== undefined && !versioned.has(near))
        versioned.set(near, await nearestCopy(root, near, topOf, context));
      const copy = near === undefined ? undefined : versioned.get(near);
      if (copy !== undefined && isVersioned(copy, path)) claimed.set(path, [{ key: copy.top, instance: copy.top }]);
      else left.push(path);
    }
    return left;
  };
  const folders = new Map(paths.map((path) => [path, posix.dirname(path)]));
  const near = await findTops(new Set(folders.values()), root, '.svn');
  const left = await claimAll(paths, (path) => near(folders.get(path) ?? path));
  // a folder that nobody has may be the top of a working copy itself
  const stats = await root.lstat(left);
  const found = left.filter((_, index) => stats[index]?.type === 'directory');
  await claimAll(found, await findTops(found, root, '.svn'));
  return claimed;
}

/** The working copy at `top`, as it was read for claiming. */
export async function copyAt(root: Root, top: string, context: Context): Promise<WorkingCopy | undefined> {
  let known = knownOf.get(root);
  if (known === undefined) knownOf.set(root, (known = { context, copies: new Map(), broken: new Map() }));
  const { copies, broken } = known;
  let copy = copies.get(top);
  if (copy === undefined) {
    copy = readWorkingCopy(root, top).then((read) => {
      if (!('because' in read)) return read;
      broken.set(top, read.because);
      return undefined;
    });
    copies.set(top, copy);
  }
  return await copy;
}

/** What looked like a working copy and could not be read, by folder: why. */
export function brokenCopies(root: Root): ReadonlyMap<string, string> {
  return knownOf.get(root)?.broken ?? new Map<string, string>();
}

interface Versioned {
  readonly top: string;
  readonly paths: ReadonlySet<string>;
}

/** The working copy for what lies in `near`: past what looks like one and is none. */
async function nearestCopy(
  root: Root,
  near: string,
  topOf: (path: string) => string | undefined,
  context: Context,
): Promise<Versioned | undefined> {
  for (let at: string | undefined = near; at !== undefined; at = at === '/' ? undefined : topOf(posix.dirname(at))) {
    const copy = await copyAt(root, at, context);
    if (copy === undefined) continue;
    return { top: at, paths: new Set(copy.nodes.flatMap(({ gone, path }) => (gone ? [] : [path]))) };
  }
  return undefined;
}

function isVersioned({ top, paths }: Versioned, path: string): boolean {
  if (path === top) return true;
  const relative = path.slice(top === '/' ? 1 : top.length + 1);
  return relative === '.svn' || relative.startsWith('.svn/') || paths.has(relative);
}
