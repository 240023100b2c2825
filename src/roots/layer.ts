import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { UserError, type Entry } from '../model/index.ts';
import { localRoot } from './local.ts';
import { ownedBy, readManifest } from './manifest.ts';
import { encodeName } from './names.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from './tar-header.ts';
import type { LaidRoot } from '../contract/index.ts';

const pieceSize = 1024 * 1024;

/**
 * The one layer of a rootfs: an uncompressed tar in byte order of paths, with numeric owners (those of the manifest
 * where there is one), file capabilities, hard links and whole seconds. One tree gives the same bytes every time.
 */
export async function* layerOf(rootfs: LaidRoot, onBytes: (bytes: number) => void): AsyncIterable<Uint8Array> {
  const manifest = rootfs.manifest === undefined ? undefined : await readManifest(rootfs.manifest);
  const firsts = new Map<string, string>();
  let waiting: Buffer[] = [];
  let size = 0;
  const flush = () => {
    const whole = Buffer.concat(waiting, size);
    onBytes(size);
    waiting = [];
    size = 0;
    return whole;
  };
  for await (const seen of localRoot(rootfs.directory).scan({ digests: [] })) {
    if (seen.path === '/' || seen.type === 'socket') continue;
    const entry = manifest === undefined ? seen : ownedBy(manifest, seen);
    const pieces = memberOf(rootfs.directory, entry, firsts);
    for (const piece of pieces) {
      waiting.push(piece);
      size += piece.length;
      if (size >= pieceSize) yield flush();
    }
  }
  waiting.push(tarEnd);
  size += tarEnd.length;
  yield flush();
}

function* memberOf(directory: string, entry: Entry, firsts: Map<string, string>): Iterable<Buffer> {
  const file = encodeName(join(directory, entry.path));
  const name = entry.path.slice(1);
  const { mode, uid, gid, target, device, capability } = entry;
  const stat = lstatSync(file);
  const header = { name, mode, uid, gid, mtimeMs: stat.mtimeMs, size: 0, target, device, capability };
  if (entry.type !== 'file') {
    yield encodeHeader({ ...header, type: entry.type as Exclude<Header['type'], 'hardlink'> });
    return;
  }
  if (stat.nlink > 1) {
    const inode = `${stat.dev}:${stat.ino}`;
    const first = firsts.get(inode);
    if (first !== undefined) {
      yield encodeHeader({ ...header, type: 'hardlink', target: first, capability: undefined });
      return;
    }
    firsts.set(inode, name);
  }
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(descriptor);
    yield encodeHeader({ ...header, type: 'file', size });
    for (let at = 0; at < size;) {
      const piece = Buffer.allocUnsafe(Math.min(pieceSize, size - at));
      const read = readSync(descriptor, piece, 0, piece.length, at);
      if (read === 0) throw new UserError(`${entry.path} of the rootfs became shorter while it was read`);
      yield piece.subarray(0, read);
      at += read;
    }
    yield tarPadding(size);
  } finally {
    closeSync(descriptor);
  }
}
