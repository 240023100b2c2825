import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import { byBytes, isWithin, sha256 } from '../../../model/index.ts';
import { RootError, type Owner, type Root, type Stat, type TraceContext } from '../../../contract/index.ts';
import type { PackageChange } from '../../trees/package-changes.ts';
import type { Attribution } from './attribution.ts';
import { digestAlgorithm, fileFlags, filesOf, fileStates, type RpmFile, type RpmPackage } from './package.ts';

/** How a file of a package is not as its header has it. */
export type Divergence = 'gone' | 'content' | 'link' | 'type';

/** A package's files with their canonical paths, and those that are otherwise than its header says. */
export interface Compared {
  readonly files: readonly (RpmFile & { readonly at: string; readonly stat: Stat | undefined })[];
  readonly divergent: ReadonlyMap<string, Divergence>;
}

/** Not this machine's to tell: databases, logs, what runs. */
const passing: readonly string[] = ['/var', '/run', '/proc', '/sys', '/dev', '/tmp', '/usr/lib/sysimage'];

/**
 * Looks at every file of a package: what has another size or time than its header says, and what was used, is hashed.
 * (Who forges times as well is found by `verify`.)
 */
export async function compareFiles(
  root: Root,
  one: RpmPackage,
  attribution: Attribution,
  used: ReadonlyMap<string, unknown>,
): Promise<Compared> {
  const listed = filesOf(one).map((file) => ({ ...file, at: attribution.canonical(file.path) }));
  const stats = await root.lstat(listed.map(({ at }) => at));
  const files = listed.map((file, index) => ({ ...file, stat: stats[index] }));
  const divergent = new Map<string, Divergence>();
  const suspects: typeof files = [];
  for (const file of files) {
    const { at, stat, mode, flags, state } = file;
    if ((flags & fileFlags.ghost) !== 0 || state !== fileStates.normal) continue;
    const type = typeOf(mode);
    if (stat === undefined) divergent.set(at, 'gone');
    else if (type === 'directory' && stat.type === 'link') continue;
    else if (stat.type !== type) divergent.set(at, 'type');
    else if (type === 'link') {
      if ((await root.readlink(at).catch(() => file.link)) !== file.link) divergent.set(at, 'link');
    } else if (type === 'file') {
      const isSame = stat.size === file.size && Math.floor(stat.mtimeMs / 1000) === file.mtime;
      if (!isSame || used.has(at)) suspects.push(file);
    }
  }
  const digests = await digestFiles(
    root,
    suspects.map(({ at }) => at),
    digestAlgorithm(one),
  );
  for (const [index, { at, digest }] of suspects.entries()) {
    const is = digests[index];
    if (is !== undefined && digest !== '' && is !== digest) divergent.set(at, 'content');
  }
  return { files, divergent };
}

/** What is kept of a package's changed files, and of its ghosts and generated files that were used. */
export async function keepChanged(
  root: Root,
  one: RpmPackage,
  { files, divergent }: Compared,
  kept: readonly string[],
  owned: ReadonlyMap<string, readonly Owner[]>,
  context: TraceContext,
): Promise<PackageChange[]> {
  const found: PackageChange[] = [];
  for (const { at, flags, stat } of files) {
    const how = divergent.get(at);
    const isConfiguration = (flags & fileFlags.config) !== 0;
    if (how === 'gone') {
      // documentation and the like is left out of many images; configuration that is not there was taken away
      if (isConfiguration && (await isMissing(root, at))) found.push({ path: at, package: one.key, removed: true });
    } else if (how !== undefined && stat !== undefined) found.push(...(await keepOne(root, one, at, stat, context)));
    else if ((flags & fileFlags.ghost) !== 0 && owned.has(at) && stat !== undefined) {
      if (!passing.some((folder) => isWithin(at, folder))) found.push(...(await keepOne(root, one, at, stat, context)));
    }
  }
  const stats = await root.lstat(kept);
  for (const [index, path] of kept.entries()) {
    const stat = stats[index];
    if (stat !== undefined) found.push(...(await keepOne(root, one, path, stat, context)));
  }
  return found.sort((a, b) => byBytes(a.path, b.path));
}

async function keepOne(
  root: Root,
  one: RpmPackage,
  path: string,
  stat: Stat,
  context: TraceContext,
): Promise<PackageChange[]> {
  context.signal.throwIfAborted();
  const base = { path, package: one.key };
  if (stat.type === 'link') {
    const target = await root.readlink(path);
    return /^[^\0\n\r]+$/.test(target) ? [{ ...base, link: target }] : [{ ...base, left: 'unreadable' }];
  }
  if (stat.type !== 'file') return [];
  const owner = { ...(stat.uid === 0 ? {} : { uid: stat.uid }), ...(stat.gid === 0 ? {} : { gid: stat.gid }) };
  const about = { ...base, mode: stat.mode.toString(8).padStart(4, '0'), ...owner };
  if ((stat.mode & 0o004) === 0) return [{ ...about, left: 'private' }];
  const content = await root.readFile(path).catch((error: unknown) => {
    if (error instanceof RootError) return undefined;
    throw error;
  });
  if (content === undefined) return [{ ...about, left: 'unreadable' }];
  const ref = context.keep ? await context.store.add(content) : { sha256: sha256(content), size: content.length };
  return [{ ...about, size: ref.size, sha256: ref.sha256 }];
}

/** Not there, and not only out of our sight. */
async function isMissing(root: Root, path: string): Promise<boolean> {
  try {
    return !(await root.readdir(posix.dirname(path))).some(({ name }) => name === posix.basename(path));
  } catch (error) {
    if (error instanceof RootError) return error.code === 'ENOENT' || error.code === 'ENOTDIR';
    throw error;
  }
}

/** Digests of files; undefined where they can't be read, or the algorithm is not known. */
export async function digestFiles(
  root: Root,
  paths: readonly string[],
  algorithm: string | undefined,
): Promise<readonly (string | undefined)[]> {
  if (algorithm === undefined) return paths.map(() => undefined);
  if (algorithm === 'sha256' || algorithm === 'md5') return await root.digest(paths, algorithm);
  const found: (string | undefined)[] = [];
  for (const path of paths) {
    const content = await root.readFile(path).catch(() => undefined);
    found.push(content === undefined ? undefined : createHash(algorithm).update(content).digest('hex'));
  }
  return found;
}

/** The type that a mode of a header's says (stat(2)). */
export function typeOf(mode: number): Stat['type'] {
  const known: Readonly<Record<number, Stat['type']>> = {
    0o040000: 'directory',
    0o120000: 'link',
    0o020000: 'character',
    0o060000: 'block',
    0o010000: 'fifo',
    0o140000: 'socket',
  };
  return known[mode & 0o170000] ?? 'file';
}
