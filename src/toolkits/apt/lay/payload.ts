import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { UserError } from '../../../model/index.ts';
import { withDeb, type ControlFile } from './deb.ts';
import { decompress, mostUnpacked } from '../../../roots/decompress.ts';
import { memberPath } from './member-path.ts';
import { openWindow, readTar } from './tar.ts';

/** A package whose .deb is at hand. */
export interface DebFile {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  /** The .deb on this machine. */
  readonly file: string;
}

/** A directory that is not root's with mode 0755. */
export interface SpecialDirectory {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a payload file says of itself; the tar lies at its beginning. */
export interface Payload {
  readonly file: string;
  readonly control: readonly ControlFile[];
  /** In the order of the tar: a letter (`d` directory, `f` file, `h` hard link, `l` link) and the absolute path. */
  readonly entries: readonly string[];
  /** Targets of links, by path. */
  readonly links: Readonly<Record<string, string>>;
  readonly directories: readonly SpecialDirectory[];
  /** Digests of the conffiles that the package ships, by path. */
  readonly conffiles: Readonly<Record<string, string>>;
  /** Of the tar. */
  readonly size: number;
  readonly crc: number;
}

type Index = Omit<Payload, 'file' | 'control'> & {
  readonly version: 1;
  readonly deb: string;
  readonly control: readonly (readonly [name: string, mode: number, mtime: number, base64: string])[];
};

const magic = 'RNPAYLD1';
const trailerSize = 24;
/** More than any package of Debian has, less than what fills a disk. */
const sizeLimit = 24 * 1024 ** 3;
const letters = { file: 'f', directory: 'd', link: 'l', hardlink: 'h' } as const;

/**
 * The payload of a package: its data.tar, decompressed once, with an index of it and its control files behind. Made
 * on first use in the folder `cache`, atomically; one that is broken or cut short is made again.
 */
export async function payloadOf(deb: DebFile, cache: string): Promise<Payload> {
  const found = openPayload(deb, cache);
  if (found !== undefined) return found;
  const file = payloadFile(cache, deb);
  await makePayload(deb, file);
  const made = openPayload(deb, cache);
  if (made === undefined) throw new UserError(`${file} is broken as soon as it is written`, { hint: 'check the disk' });
  return made;
}

/** Takes a payload out of the cache whose content turned out to be broken. */
export function dropPayload(file: string): void {
  rmSync(file, { force: true });
}

/** Whether a payload's tar is what it was when it was made. */
export function isWhole({ size, crc }: Pick<Payload, 'size' | 'crc'>, fd: number): boolean {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  let sum = 0;
  for (let at = 0; at < size;) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at);
    if (read === 0) return false;
    sum = crc32(buffer.subarray(0, read), sum);
    at += read;
  }
  return sum === crc;
}

/** The payload of a package, where the cache has a whole one. Its tar is checked when it is unpacked. */
export function openPayload(deb: DebFile, cache: string): Payload | undefined {
  const file = payloadFile(cache, deb);
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    if (size < trailerSize) return undefined;
    const trailer = readExactly(fd, size - trailerSize, trailerSize);
    if (trailer.toString('latin1', 0, 8) !== magic) return undefined;
    const length = trailer.readUInt32LE(8);
    const dataSize = Number(trailer.readBigUInt64LE(16));
    if (dataSize + length + trailerSize !== size) return undefined;
    const json = readExactly(fd, dataSize, length);
    if (crc32(json) !== trailer.readUInt32LE(12)) return undefined;
    const { version, deb: of, control, ...index } = JSON.parse(json.toString('utf8')) as Index;
    if (version !== 1 || of !== deb.sha256) return undefined;
    return {
      ...index,
      file,
      control: control.map(([name, mode, mtime, base64]) => ({
        name,
        mode,
        mtime,
        content: Buffer.from(base64, 'base64'),
      })),
    };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function payloadFile(cache: string, deb: DebFile): string {
  return join(cache, `${deb.sha256}.tar`);
}

async function makePayload(deb: DebFile, file: string): Promise<void> {
  const what = `${deb.name} ${deb.version}`;
  const part = `${file}.${randomUUID()}.${process.pid}`;
  const out = openSync(part, 'wx+', 0o644);
  try {
    await withDeb(deb.file, what, async ({ control, data }, fd) => {
      let size = 0;
      let crc = 0;
      const most = Math.min(sizeLimit, mostUnpacked(data.size));
      for await (const chunk of decompress({ fd, ...data }, data.compression, most, `${what}: data.tar`)) {
        writeSync(out, chunk);
        crc = crc32(chunk, crc);
        size += chunk.length;
      }
      const conffiles = control.find(({ name }) => name === 'conffiles')?.content.toString('utf8') ?? '';
      const index: Index = {
        version: 1,
        deb: deb.sha256,
        ...readIndex(out, size, new Set(conffiles.split('\n').map((line) => line.trim())), what),
        control: control.map((member) => [member.name, member.mode, member.mtime, member.content.toString('base64')]),
        size,
        crc,
      };
      const json = Buffer.from(JSON.stringify(index));
      const trailer = Buffer.alloc(trailerSize);
      trailer.write(magic, 'latin1');
      trailer.writeUInt32LE(json.length, 8);
      trailer.writeUInt32LE(crc32(json), 12);
      trailer.writeBigUInt64LE(BigInt(size), 16);
      writeSync(out, json);
      writeSync(out, trailer);
    });
    renameSync(part, file);
  } finally {
    closeSync(out);
    rmSync(part, { force: true });
  }
}

function readIndex(
  fd: number,
  size: number,
  wantedConffiles: ReadonlySet<string>,
  what: string,
): Pick<Index, 'entries' | 'links' | 'directories' | 'conffiles'> {
  const window = openWindow(fd, 0, size);
  const entries: string[] = [];
  const links: Record<string, string> = {};
  const directories: SpecialDirectory[] = [];
  const conffiles: Record<string, string> = {};
  const kinds = new Map<string, string>();
  for (const member of readTar(window, 0, what)) {
    const path = memberPath(member.name, what);
    const { type, mode, uid, gid } = member;
    if (type === 'device' || type === 'fifo') throw new UserError(`${what}: refused: ${path} is a ${type}`);
    const letter = letters[type];
    const seen = kinds.get(path);
    if (seen === 'd' && letter === 'd') continue;
    if (seen !== undefined) throw new UserError(`${what}: refused: ${path} comes twice`);
    kinds.set(path, letter);
    entries.push(`${letter}${path}`);
    if (type === 'link') links[path] = member.target;
    if (type === 'hardlink') memberPath(member.target, `${what}: ${path}`);
    if (type === 'directory' && (mode !== 0o755 || uid !== 0 || gid !== 0)) directories.push({ path, mode, uid, gid });
    if (type === 'file' && wantedConffiles.has(path)) {
      const hash = createHash('md5');
      for (let at = 0; at < member.size; at += 65536) {
        hash.update(window.at(member.offset + at, Math.min(65536, member.size - at)));
      }
      conffiles[path] = hash.digest('hex');
    }
  }
  return { entries, links, directories, conffiles };
}

function readExactly(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  if (readSync(fd, buffer, 0, length, offset) !== length) throw new Error('short read');
  return buffer;
}
