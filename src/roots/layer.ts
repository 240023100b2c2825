import { closeSync, constants, lstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';

import type { LaidRoot } from '../contract/index.ts';
import { byBytes, UserError, type Entry } from '../model/index.ts';
import { mappedTar } from '../sessions/mapped-tar.ts';
import { findMapping } from '../sessions/mapped.ts';
import { readCapabilities } from './local/capabilities.ts';
import { codeOf, readFolder } from './local/disk.ts';
import { deviceOf } from './local/scan.ts';
import { ownedBy, readManifest, type Manifest } from './manifest.ts';
import { decodeName, encodeName } from './names.ts';
import { encodeHeader, tarEnd, type Header } from './tar-header.ts';

const pieceSize = 128 * 1024;

interface Walked {
  readonly path: string;
  readonly file: string | Buffer;
  readonly stat: Stats;
}

/**
 * The one layer of a rootfs: an uncompressed tar with numeric owners (those of the manifest where there is one), file
 * capabilities, hard links and whole seconds. One tree gives the same bytes every time: first everything that can have
 * no capabilities, then all executable files, each in byte order; so it flows while capabilities are still being read.
 */
export async function* layerOf(rootfs: LaidRoot, onBytes: (bytes: number) => void): AsyncIterable<Uint8Array> {
  const mapping = findMapping();
  if (rootfs.manifest === undefined && mapping.kind === 'subordinate') {
    for await (const piece of mappedTar(rootfs.directory, mapping)) {
      onBytes(piece.length);
      yield piece;
    }
    return;
  }
  const manifest = rootfs.manifest === undefined ? undefined : await readManifest(rootfs.manifest);
  const executables: Walked[] = [];
  const others: Walked[] = [];
  for (const walked of walk(rootfs.directory)) {
    if (walked.path === '/' || walked.stat.isSocket()) continue;
    const isExecutable = walked.stat.isFile() && (walked.stat.mode & 0o111) !== 0;
    (isExecutable ? executables : others).push(walked);
  }
  const held = readCapabilities(executables.map(({ file }) => file));
  held.catch(() => {}); // it is waited for below
  const pack = packer(onBytes);
  const firsts = new Map<string, string>();
  for (const walked of others) yield* pack.add(walked, headerOf(walked, manifest, firsts, undefined));
  const capabilities = await held;
  for (const [index, walked] of executables.entries()) {
    yield* pack.add(walked, headerOf(walked, manifest, firsts, capabilities.get(index)));
  }
  yield* pack.end();
}

function* walk(directory: string): Iterable<Walked> {
  const look = (path: string): Walked => {
    const file = encodeName(`${directory}${path === '/' ? '' : path}`);
    return { path, file, stat: lstatSync(file) };
  };
  const waiting = [look('/')];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    yield at;
    if (!at.stat.isDirectory()) continue;
    const prefix = at.path === '/' ? '/' : `${at.path}/`;
    const names = namesIn(at).sort(byBytes).reverse();
    for (const name of names) waiting.push(look(`${prefix}${name}`));
  }
}

function namesIn({ file, path }: Walked): string[] {
  try {
    return readFolder(file).map(({ name }) => name);
  } catch (error) {
    throw new UserError(`the folder ${path} of the rootfs cannot be read (${codeOf(error)})`, { cause: error });
  }
}

/** The header blocks of a member; a second name of a file is a hard link to the first. */
function headerOf(
  { path, file, stat }: Walked,
  manifest: Manifest | undefined,
  firsts: Map<string, string>,
  capability: string | undefined,
): { readonly header: Buffer; readonly size: number } {
  const seen: Entry = {
    path,
    type: typeOf(stat),
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    ...(capability !== undefined && { capability }),
  };
  const entry = manifest === undefined ? seen : ownedBy(manifest, seen);
  const { type, mode, uid, gid } = entry;
  const name = path.slice(1);
  const made = { name, mode, uid, gid, mtimeMs: stat.mtimeMs, size: 0 };
  const encode = (rest: Partial<Header> & Pick<Header, 'type'>) => encodeHeader({ ...made, ...rest });
  if (type === 'link') return { header: encode({ type, target: decodeName(readlinkSync(file, 'buffer')) }), size: 0 };
  if (type === 'character' || type === 'block')
    return { header: encode({ type, device: deviceOf(stat.rdev) }), size: 0 };
  if (type !== 'file') return { header: encode({ type: type as 'directory' | 'fifo' }), size: 0 };
  if (stat.nlink > 1) {
    const inode = `${stat.dev}:${stat.ino}`;
    const first = firsts.get(inode);
    if (first !== undefined) return { header: encode({ type: 'hardlink', target: first }), size: 0 };
    firsts.set(inode, name);
  }
  return { header: encode({ type, size: stat.size, capability: entry.capability }), size: stat.size };
}

/** Gathers headers and contents into pieces of one size: files are read to where they are sent from. */
function packer(onBytes: (bytes: number) => void) {
  let piece = Buffer.allocUnsafeSlow(pieceSize);
  let filled = 0;
  const give = (): Buffer => {
    const full = piece.subarray(0, filled);
    onBytes(filled);
    piece = Buffer.allocUnsafeSlow(pieceSize);
    filled = 0;
    return full;
  };
  function* put(bytes: Buffer): Iterable<Buffer> {
    if (filled + bytes.length > pieceSize) yield give();
    filled += bytes.copy(piece, filled);
  }
  return {
    *add(
      { path, file }: Walked,
      { header, size }: { readonly header: Buffer; readonly size: number },
    ): Iterable<Buffer> {
      yield* put(header);
      if (size === 0) return;
      const descriptor = openFile(file, path);
      try {
        for (let at = 0; at < size;) {
          if (filled === pieceSize) yield give();
          const read = readSync(descriptor, piece, filled, Math.min(pieceSize - filled, size - at), at);
          if (read === 0) throw new UserError(`${path} of the rootfs became shorter while it was read`);
          filled += read;
          at += read;
        }
      } finally {
        closeSync(descriptor);
      }
      const padding = (512 - (size % 512)) % 512;
      if (filled + padding > pieceSize) yield give();
      piece.fill(0, filled, filled + padding);
      filled += padding;
    },
    *end(): Iterable<Buffer> {
      yield* put(tarEnd);
      yield give();
    },
  };
}

function openFile(file: string | Buffer, path: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new UserError(`${path} of the rootfs cannot be read (${codeOf(error)})`, { cause: error });
  }
}

function typeOf(stat: Stats): Entry['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'link';
  if (stat.isCharacterDevice()) return 'character';
  return stat.isBlockDevice() ? 'block' : 'fifo';
}
