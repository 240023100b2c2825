import { posix } from 'node:path';

import {
  byBytes,
  deniesOthers,
  holdsSecret,
  isSecretPath,
  isWithin,
  type FileLock,
  type Note,
} from '../../model/index.ts';
import type { Root, Stat, Store } from '../../contract/index.ts';
import { encodeName } from '../../roots/names.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { isSystemFolder } from './rules.ts';

export interface LockOptions {
  readonly root: Root;
  readonly store: Store;
  /** Whether contents are stored; else they are only hashed. */
  readonly keep: boolean;
  readonly limits: Partial<Limits>;
  /** Private files and folders that are kept all the same. */
  readonly include: readonly string[];
  /** Whether folders have their times, and so their words, too. */
  readonly times?: boolean;
}

export interface Locked {
  /** Sorted by path. What is not there, or was met before by another name, is not in it. */
  readonly files: readonly FileLock[];
  readonly notes: readonly Note[];
}

/**
 * What these paths are, by content. Secrets, files that deny others to read them, and what is over a limit are not
 * kept: `left` says why, and a note says it to people.
 */
export async function lockFiles(paths: readonly string[], options: LockOptions): Promise<Locked> {
  const places = await canonical(paths, options.root);
  const stats = await options.root.lstat(places);
  const limits = { ...defaultLimits, ...options.limits };
  const files: FileLock[] = [];
  const notes: Note[] = [];
  let total = 0;
  for (const [index, path] of places.entries()) {
    const stat = stats[index];
    if (stat === undefined || (stat.type === 'directory' && isSystemFolder(path))) continue;
    const room = Math.min(limits.file, limits.total - total);
    const file = await lockFile(path, stat, room, options);
    if (file === undefined) {
      notes.push({ kind: 'left', path, text: `${path} is not kept: it is no file (${stat.type})` });
      continue;
    }
    if (file.left !== undefined) notes.push(leftNote(path, file.left, stat.size));
    else if (file.sha256 !== undefined && options.keep) total += stat.size;
    files.push(file);
  }
  return { files: withoutPlainFolders(files), notes };
}

/** What is known of every file, whatever becomes of its content. */
export function factsOf(path: string, stat: Pick<Stat, 'mode' | 'uid' | 'gid'>): FileLock {
  return {
    path,
    mode: stat.mode.toString(8).padStart(4, '0'),
    ...(stat.uid === 0 ? {} : { uid: stat.uid }),
    ...(stat.gid === 0 ? {} : { gid: stat.gid }),
  };
}

/** Why the content of a path must not be kept, by its name and mode; undefined where it may be. */
export function becausePrivate(
  path: string,
  mode: number,
  include: readonly string[],
): 'secret' | 'private' | undefined {
  if (include.some((folder) => isWithin(path, folder))) return undefined;
  if (isSecretPath(path)) return 'secret';
  return deniesOthers(mode) ? 'private' : undefined;
}

/** A note about what was left out. */
export function leftNote(path: string, left: string, size: number): Note {
  const why: Readonly<Record<string, string>> = {
    secret: 'it holds keys, tokens or passwords, or is a place for them (--include keeps it)',
    private: 'its mode denies others to read it (--include keeps it)',
    limit: `it is over the limit: ${size} bytes`,
    unreadable: 'it could not be read',
    changed: 'the run changed it, and what was in it before is not known',
  };
  return {
    kind: left === 'unreadable' ? 'unreadable' : 'left',
    path,
    text: `${path} is not kept: ${why[left] ?? left}`,
  };
}

async function lockFile(path: string, stat: Stat, room: number, options: LockOptions): Promise<FileLock | undefined> {
  const { root } = options;
  if (stat.type === 'link') {
    const link = await root.readlink(path).catch(() => undefined);
    return link === undefined ? { path, left: 'unreadable' } : { path, ...ownersOf(stat), link };
  }
  const facts = factsOf(path, stat);
  if (stat.type === 'directory') {
    return { ...facts, ...(options.times === true ? { mtime: Math.floor(stat.mtimeMs / 1000) } : {}), directory: true };
  }
  if (stat.type !== 'file') return undefined;
  const left = options.keep || isSecretPath(path) ? becausePrivate(path, stat.mode, options.include) : undefined;
  if (left !== undefined) return { ...facts, left };
  if (options.keep && stat.size <= room) return await keepFile(facts, stat, options);
  const [sha256] = await root.digest([path], 'sha256');
  if (sha256 === undefined) return { ...facts, left: 'unreadable' };
  return { ...facts, size: stat.size, sha256, ...(options.keep ? { left: 'limit' } : {}) };
}

/** Small ones are looked into for keys. */
const looked = 65_536;

async function keepFile(facts: FileLock, stat: Stat, { root, store, include }: LockOptions): Promise<FileLock> {
  const { path } = facts;
  const mtime = Math.floor(stat.mtimeMs / 1000);
  try {
    if (stat.size > looked && root.directory !== undefined) {
      const place = encodeName(root.directory === '/' ? path : `${root.directory}${path}`);
      if (typeof place === 'string') return { ...facts, mtime, ...(await store.addFile(place)) };
    }
    const bytes = await root.readFile(path, stat.size + looked);
    const named = include.some((folder) => isWithin(path, folder));
    const secret = !named && bytes.length <= looked && holdsSecret(path, bytes.toString('latin1'));
    return secret ? { ...facts, left: 'secret' } : { ...facts, mtime, ...(await store.add(bytes)) };
  } catch {
    return { ...facts, left: 'unreadable' };
  }
}

function ownersOf({ uid, gid }: Stat): Pick<FileLock, 'uid' | 'gid'> {
  return { ...(uid === 0 ? {} : { uid }), ...(gid === 0 ? {} : { gid }) };
}

/** Each path with its folders' links resolved, once, sorted. */
async function canonical(paths: readonly string[], root: Root): Promise<string[]> {
  const folders = [...new Set(paths.map((path) => posix.dirname(path)))];
  const real = await root.realpath(folders);
  const known = new Map(folders.map((folder, index) => [folder, real[index]]));
  const places = paths.flatMap((path) => {
    const folder = known.get(posix.dirname(path));
    return folder === undefined ? [] : [path === '/' ? '/' : posix.join(folder, posix.basename(path))];
  });
  return [...new Set(places)].sort(byBytes);
}

/** Folders that are made on the way to something else, as they are, need no words. */
function withoutPlainFolders(files: readonly FileLock[]): FileLock[] {
  return files.filter((file, index) => {
    const isTimed = file.mtime !== undefined;
    const plain =
      file.directory === true && !isTimed && file.mode === '0755' && file.uid === undefined && file.gid === undefined;
    return !plain || files[index + 1]?.path.startsWith(`${file.path}/`) !== true;
  });
}
