import { lstatSync, readdirSync, readlinkSync, type Dirent, type Stats } from 'node:fs';

import type { Stat } from '../../contract/index.ts';
import type { Entry } from '../../model/index.ts';
import { decodeName } from '../names.ts';

/** What one lstat call gave: ours, and what only a scan needs. */
export interface Found {
  readonly stat: Stat;
  readonly dev: number;
  readonly rdev: number;
}

/** `lstat`, or undefined where there is nothing or it can't be seen. */
export function lstatOf(file: string | Buffer): Found | undefined {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
  if (stats === undefined) return undefined;
  const stat: Stat = {
    type: dirType(stats) ?? 'socket',
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    mtimeMs: stats.mtimeMs,
    inode: `${stats.dev}:${inodeOf(file, stats)}`,
  };
  return { stat, dev: stats.dev, rdev: stats.rdev };
}

/** What is there, for what needs no more: `lstatOf` costs twice as much. */
export function typeAt(file: string | Buffer): Entry['type'] | undefined {
  try {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    return stats === undefined ? undefined : (dirType(stats) ?? 'socket');
  } catch {
    return undefined;
  }
}

/** The errno's name of why a path can't be looked at. */
export function whyNot(file: string | Buffer): string {
  try {
    lstatSync(file);
    return 'ENOENT'; // it has come meanwhile: too late
  } catch (error) {
    return codeOf(error);
  }
}

export function typeOf(found: Found | undefined): Entry['type'] | undefined {
  return found?.stat.type;
}

/** Names and types in a folder, in no order; the type is undefined where the filesystem does not say it. */
export function readFolder(
  folder: string | Buffer,
): { readonly name: string; readonly type: Entry['type'] | undefined }[] {
  const found = readdirSync(folder, { withFileTypes: true });
  if (found.every(({ name }) => !name.includes('\u{fffd}'))) {
    return found.map((entry) => ({ name: entry.name, type: dirType(entry) }));
  }
  // a name that is not UTF-8 (or that has U+FFFD in it): the slower call tells
  return readdirSync(folder, { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
    name: decodeName(entry.name),
    type: dirType(entry),
  }));
}

/** A link's target, as it is. */
export function readTarget(file: string | Buffer): string {
  const target = readlinkSync(file);
  return target.includes('\u{fffd}') ? decodeName(readlinkSync(file, 'buffer')) : target;
}

/** The errno's name of what `fs` threw. */
export function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return code.startsWith('ERR_') ? 'EINVAL' : code;
}

function dirType(of: Stats | Dirent<string | NonSharedBuffer>): Entry['type'] | undefined {
  if (of.isFile()) return 'file';
  if (of.isDirectory()) return 'directory';
  if (of.isSymbolicLink()) return 'link';
  if (of.isCharacterDevice()) return 'character';
  if (of.isBlockDevice()) return 'block';
  if (of.isFIFO()) return 'fifo';
  return of.isSocket() ? 'socket' : undefined;
}

function inodeOf(file: string | Buffer, stats: Stats): number | bigint {
  if (stats.ino <= Number.MAX_SAFE_INTEGER || stats.nlink < 2) return stats.ino;
  return lstatSync(file, { bigint: true }).ino; // overlayfs counts in the upper bits
}
