import { posix } from 'node:path';

import { ancestors, byBytes, isWithin, type Note } from '../model/index.ts';
import type { Access, Owner, TraceResult } from '../contract/index.ts';
import { becauseIgnored, isSystemFolder, sourceOfCompiled } from './files/rules.ts';

export { lockFiles } from './files/lock.ts';
export { snapshotBefore } from './files/before.ts';
export type { Limits } from './files/limits.ts';

/** What of the attribution counts here: that a path has owners, and in which tree of its own theirs lies. */
export type OwnedPaths = ReadonlyMap<string, { readonly owners: readonly Owner[] }>;

export interface ClassifyOptions {
  /** The run's. */
  readonly directory: string;
  /** Paths that are inputs or outputs wherever they lie. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Our own files: never looked at. */
  readonly except: readonly string[];
}

/** What the files of a run are to it. Lists are sorted, their paths absolute. */
export interface Classified {
  /** Read, owned by nobody, below the run's directory or named. */
  readonly inputs: readonly string[];
  /** Made or changed, below the run's directory or named. */
  readonly outputs: readonly string[];
  /** Whatever else was read and is owned by nobody, links on the way included. */
  readonly loose: readonly string[];
  /** Folders that have to be there: worked in, listed, written into, and those above them. */
  readonly directories: readonly string[];
  /** Folders among the inputs that were listed, and in which nothing was made: their times tell something. */
  readonly listed: readonly string[];
  /** Touched, and no part of the environment. */
  readonly ignored: readonly { readonly path: string; readonly because: string }[];
  readonly notes: readonly Note[];
}

/** Says what each path of a trace is. Pure: whether something is there, and what it is, is for `lockFiles` to see. */
export function classify(trace: TraceResult, owned: OwnedPaths, options: ClassifyOptions): Classified {
  const inputs = new Set<string>();
  const outputs = new Set<string>();
  const loose = new Set<string>();
  const ignored = new Map<string, string>();
  const folders = new Set<string>(trace.directories);
  const made = new Set<string>();
  const wrote = new Set<string>();
  const changed = new Set<string>();
  const listed = new Set<string>();
  const isInput = (path: string) => lies(path, [options.directory, ...options.inputs]);
  const isOutput = (path: string) => lies(path, [options.directory, ...options.outputs]);
  const addRead = (path: string) => {
    if (owned.has(path)) return;
    (isInput(path) ? inputs : loose).add(path);
  };

  for (const access of trace.accesses) {
    const { path } = access;
    const because = access.foreign ? 'seen in another root' : ignoring(path, options);
    if (because !== undefined) {
      ignored.set(path, because);
      continue;
    }
    for (const link of linksIn(access)) if (ignoring(link, options) === undefined) addRead(link);
    if (access.written || access.removed) changed.add(posix.dirname(path));
    if (access.directory) {
      if (access.read && isInput(path) && !access.written && !access.removed) listed.add(path);
      if (access.written) made.add(path);
      else if (!access.removed) folders.add(path);
      continue;
    }
    if (access.written) wrote.add(path);
    const source = sourceOfCompiled(path);
    if (source !== undefined) {
      // Python makes it again from its source, which it does not open while this is there
      ignored.set(path, 'compiled by Python from its source');
      if (access.read && !owned.has(path)) addRead(source);
      continue;
    }
    const wasThere = !access.writtenFirst;
    if (access.written && !access.removed && isOutput(path) && !inGitDir(path)) outputs.add(path);
    else if (access.written && !access.removed) ignored.set(path, 'written outside of the directory of the run');
    if (usesOld(access)) addRead(path);
    else if (access.removed && wasThere && isInput(path)) inputs.add(path);
    else if (access.removed) ignored.set(path, 'made and taken away again');
  }
  for (const path of [...inputs, ...loose]) ignored.delete(path);
  return {
    inputs: sorted(inputs),
    outputs: sorted(outputs),
    loose: sorted(loose),
    directories: foldersOf(folders, [...inputs, ...loose, ...outputs, ...wrote], made, owned, options),
    listed: sorted([...listed].filter((path) => !changed.has(path) && !owned.has(path) && !inGitDir(`${path}/`))),
    ignored: [...ignored].map(([path, because]) => ({ path, because })).sort((a, b) => byBytes(a.path, b.path)),
    notes: commitNotes(wrote),
  };
}

/** Sources of Python's compiled files that were read: their owners have to be found, too. */
export function impliedPaths(paths: Iterable<string>): string[] {
  const implied = new Set<string>();
  for (const path of paths) {
    const source = sourceOfCompiled(path);
    if (source !== undefined) implied.add(source);
  }
  return sorted(implied);
}

/** A work tree is recorded as it is after the run: what the run commits is there already when it starts again. */
function commitNotes(wrote: ReadonlySet<string>): Note[] {
  const trees = new Set<string>();
  for (const path of wrote) {
    const top = /^(.*?)\/\.git\/(?:HEAD|packed-refs|refs\/)/.exec(path)?.[1];
    if (top !== undefined) trees.add(top);
  }
  return sorted(trees).map((path) => ({
    kind: 'incomplete',
    path,
    text: `the run moved refs of the git repository ${path}: it is recorded as it is after the run, not before`,
  }));
}

/** Whether what was in the file before mattered. */
function usesOld(access: Access): boolean {
  return (access.read || access.executed || access.asked) && !access.writtenFirst;
}

function ignoring(path: string, options: ClassifyOptions): string | undefined {
  if (lies(path, options.except)) return 'our own';
  return becauseIgnored(path);
}

function inGitDir(path: string): boolean {
  return path.includes('/.git/');
}

/**
 * Of the names by which a file was asked for, those that are links themselves. A name that leads through one of the
 * others is not: it is another name of the same file.
 */
function linksIn({ via, path }: Access): string[] {
  return via.filter((name) => name !== path && !via.some((other) => other !== name && name.startsWith(`${other}/`)));
}

/** Folders that nothing else brings, without those that every system has. */
function foldersOf(
  used: ReadonlySet<string>,
  files: readonly string[],
  made: ReadonlySet<string>,
  owned: OwnedPaths,
  options: ClassifyOptions,
): string[] {
  const found = new Set(used);
  for (const file of files) for (const folder of ancestors(file)) found.add(folder);
  const covered = new Set<string>();
  for (const [path, { owners }] of owned) {
    for (const { instance } of owners) {
      if (instance === undefined) continue;
      covered.add(instance);
      for (let at = posix.dirname(path); at.length > instance.length && !covered.has(at); at = posix.dirname(at))
        covered.add(at);
      for (const folder of ancestors(instance)) found.add(folder);
    }
  }
  for (const folder of Array.from(found)) for (const above of ancestors(folder)) found.add(above);
  return sorted(
    new Set(
      [...found].filter(
        (folder) =>
          !isSystemFolder(folder) &&
          !owned.has(folder) &&
          !covered.has(folder) &&
          !inGitDir(`${folder}/`) &&
          ignoring(folder, options) === undefined &&
          !lies(folder, [...made]),
      ),
    ),
  );
}

function lies(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isWithin(path, folder));
}

function sorted(paths: Iterable<string>): string[] {
  return [...paths].sort(byBytes);
}
