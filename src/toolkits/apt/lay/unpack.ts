import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { crc32 } from 'node:zlib';

import { UserError } from '../../../model/index.ts';
import { encodeName, nameBytes } from '../../../roots/names.ts';
import { memberPath } from './member-path.ts';
import { openWindow, readTar, type TarMember, type Window } from './tar.ts';

/** One payload to unpack. */
export interface UnpackJob {
  /** The package, as a person names it. */
  readonly what: string;
  readonly file: string;
  /** Of the tar at the file's beginning, and its checksum. */
  readonly size: number;
  readonly crc: number;
  /** Paths that another package's files take. */
  readonly skip: readonly string[];
}

/** How a tree is written. The caller is the only one who writes below `root`, but for workers of the same kind. */
export interface Tree {
  readonly root: string;
  /** `real`: members get their owners; `manifest`: owners that are not root's are told to `onOwner`. */
  readonly owners: 'real' | 'manifest';
  /** Folders as packages name them, to where they really are, in the root. */
  readonly folders: Map<string, string>;
  onOwner(path: string, uid: number, gid: number): void;
}

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const mostLinks = 40;

/** A tree with nothing known of it yet but its root. */
export function openTree(root: string, owners: Tree['owners'], onOwner: Tree['onOwner'] = () => {}): Tree {
  return { root, owners, folders: new Map([['/', '/']]), onOwner };
}

/**
 * Unpacks one payload into the tree as dpkg does: folders that are there stay as they are, a link to a folder in the
 * place of a folder is kept and gone through, within the root. Nothing is ever written through another link: each
 * folder on the way is looked at once, and can't become a link afterwards, since nobody removes folders here.
 */
export function unpack(job: UnpackJob, fd: number, tree: Tree): void {
  const window = withChecksum(openWindow(fd, 0, job.size));
  const skip = new Set(job.skip);
  for (const member of readTar(window, 0, job.what)) {
    const path = memberPath(member.name, job.what);
    if (path === '/' || skip.has(path)) {
      if (member.type === 'file') window.pass(member);
      continue;
    }
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (member.type === 'directory') {
      folder(path, tree, member.mode);
      continue;
    }
    const parent = folder(path.slice(0, path.lastIndexOf('/')) || '/', tree, 0o755);
    const inRoot = parent === '/' ? `/${name}` : `${parent}/${name}`;
    writeMember(member, inRoot, window, tree, job.what);
  }
  if (window.finish() !== job.crc) throw new UserError(`${job.what}: its unpacked copy is broken`);
}

/** Makes a folder that is not an ordinary one, before others use it. */
export function makeFolder(path: string, mode: number, uid: number, gid: number, tree: Tree): void {
  const inRoot = folder(path, tree, mode);
  const at = encodeName(tree.root + inRoot);
  if (uid !== 0 || gid !== 0) {
    if (tree.owners === 'real') lchownSync(at, uid, gid);
    else tree.onOwner(inRoot, uid, gid);
  }
  chmodSync(at, mode);
}

/** Makes a link, where nothing is yet. */
export function makeLink(path: string, target: string, tree: Tree): void {
  const parent = folder(path.slice(0, path.lastIndexOf('/')) || '/', tree, 0o755);
  const at = `${tree.root}${parent === '/' ? '' : parent}/${path.slice(path.lastIndexOf('/') + 1)}`;
  if (lstat(at) === undefined) symlinkSync(encodeName(target), encodeName(at));
}

function writeMember(member: TarMember, inRoot: string, window: Checked, tree: Tree, what: string): void {
  const at = encodeName(tree.root + inRoot);
  const { uid, gid } = member;
  const owned = uid !== 0 || gid !== 0;
  switch (member.type) {
    case 'file': {
      const fd = create(at, member.mode & 0o777);
      try {
        let offset = member.offset;
        for (let left = member.size; left > 0;) {
          const length = Math.min(left, 512 * 1024);
          writeAll(fd, window.at(offset, length));
          offset += length;
          left -= length;
        }
        if (owned && tree.owners === 'real') fchownSync(fd, uid, gid);
        if (member.mode > 0o777) fchmodSync(fd, member.mode);
        futimesSync(fd, member.mtime, member.mtime);
      } finally {
        closeSync(fd);
      }
      break;
    }
    case 'link':
      if (isLinkTo(member.target, at)) return;
      replacing(at, () => symlinkSync(encodeName(member.target), at));
      if (owned && tree.owners === 'real') lchownSync(at, uid, gid);
      break;
    case 'hardlink': {
      const target = memberPath(member.target, what);
      const folderOfTarget = folder(target.slice(0, target.lastIndexOf('/')) || '/', tree, 0o755);
      const from = `${tree.root}${folderOfTarget === '/' ? '' : folderOfTarget}${target.slice(target.lastIndexOf('/'))}`;
      if (!(lstat(from)?.isFile() ?? false)) throw new UserError(`${what}: refused: ${inRoot} is a link to no file`);
      replacing(at, () => linkSync(encodeName(from), at));
      break;
    }
    case 'directory':
    case 'device':
    case 'fifo':
      throw new UserError(`${what}: refused: ${inRoot} is a ${member.type}`);
  }
  if (owned && tree.owners === 'manifest') tree.onOwner(inRoot, uid, gid);
}

/** Where a folder really is, in the root; made where it is missing. */
function folder(path: string, tree: Tree, mode: number, hops = 0): string {
  const known = tree.folders.get(path);
  if (known !== undefined) return known;
  const slash = path.lastIndexOf('/');
  const parent = slash <= 0 ? '/' : folder(path.slice(0, slash), tree, 0o755, hops);
  const inRoot = parent === '/' ? path.slice(slash) : parent + path.slice(slash);
  const at = encodeName(tree.root + inRoot);
  let found: Stats | undefined;
  try {
    mkdirSync(at, mode);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    found = lstatSync(at);
  }
  let real = inRoot;
  if (found?.isSymbolicLink() ?? false) {
    if (hops >= mostLinks) throw new UserError(`refused: too many links on the way to ${path}`);
    const target = readlinkSync(at);
    real = folder(joined(parent, target), tree, 0o755, hops + 1);
  } else if (found !== undefined && !found.isDirectory()) {
    throw new UserError(`refused: ${path} is a file to one package and a folder to another`);
  }
  tree.folders.set(path, real);
  return real;
}

/** A link's target as an absolute path in the root; `..` stops at the root. */
function joined(parent: string, target: string): string {
  const parts = target.startsWith('/') ? [] : parent.split('/').filter((part) => part !== '');
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** A link that others go through meanwhile must not be away for a moment. */
function isLinkTo(target: string, at: string | Buffer): boolean {
  const found = lstatSync(at, { throwIfNoEntry: false });
  return found?.isSymbolicLink() === true && readlinkSync(at, 'buffer').equals(nameBytes(target));
}

function create(at: string | Buffer, mode: number): number {
  try {
    return openSync(at, flags, mode);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    unlinkSync(at);
    return openSync(at, flags, mode);
  }
}

function replacing(at: string | Buffer, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    if (lstatSync(at).isDirectory()) return; // as dpkg: a folder is never replaced by a link
    unlinkSync(at);
    make();
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(fd, bytes, written, bytes.length - written);
  }
}

function lstat(path: string): Stats | undefined {
  return lstatSync(encodeName(path), { throwIfNoEntry: false });
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

interface Checked extends Window {
  /** Reads over a member that is left out. */
  pass(member: TarMember): void;
  /** The checksum of all of it. */
  finish(): number;
}

/** A window that also makes the checksum of all bytes up to its end, in the order in which they are first read. */
function withChecksum(window: Window): Checked {
  let crc = 0;
  let summed = 0;
  const sum = (to: number) => {
    while (summed < to) {
      const length = Math.min(to - summed, 512 * 1024);
      crc = crc32(window.at(summed, length), crc);
      summed += length;
    }
  };
  return {
    end: window.end,
    at(offset, length) {
      const bytes = window.at(offset, length);
      if (offset + length <= summed) return bytes;
      if (offset === summed) {
        crc = crc32(bytes, crc);
        summed += length;
        return bytes;
      }
      sum(offset + length);
      return window.at(offset, length);
    },
    pass(member) {
      sum(member.offset + member.size);
    },
    finish() {
      sum(window.end);
      return crc;
    },
  };
}
