import { read as readFd } from 'node:fs';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';

import { UserError } from '../model/index.ts';

/** Bytes that can be read anywhere: a file, or one on a server that answers ranges. */
export interface ZipSource {
  /** As a person names it, for errors. */
  readonly label: string;
  readonly size: number;
  /** Exactly these bytes. Throws UserError where they can't be had. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** What the directory of an archive says of one member. `name` is as it is written: it may be any text. */
export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly size: number;
  readonly packed: number;
  readonly crc: number;
  readonly offset: number;
  /** Of a Unix archiver: file type and permissions, else 0. */
  readonly mode: number;
}

const mostMembers = 500_000;
const largestDirectory = 256 * 1024 * 1024;
const inflate = promisify(inflateRaw);
const readSome = promisify(readFd);

/** The directory of a zip archive (APPNOTE.TXT 6.3.10, zip64 included). Throws UserError for what is none. */
export async function readZipDirectory(source: ZipSource): Promise<readonly ZipMember[]> {
  const { offset, size, count } = await findDirectory(source);
  if (size > largestDirectory || count > mostMembers || offset + size > source.size) throw broken(source, 'directory');
  const bytes = await source.read(offset, size);
  const members: ZipMember[] = [];
  for (let at = 0; members.length < count;) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50) throw broken(source, 'directory');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const end = at + 46 + nameLength + extraLength;
    if (end > bytes.length) throw broken(source, 'directory');
    const host = bytes.readUInt8(at + 5);
    const sizes = wideSizes(
      {
        size: bytes.readUInt32LE(at + 24),
        packed: bytes.readUInt32LE(at + 20),
        offset: bytes.readUInt32LE(at + 42),
      },
      bytes.subarray(at + 46 + nameLength, end),
    );
    members.push({
      name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
      method: bytes.readUInt16LE(at + 10),
      encrypted: (bytes.readUInt16LE(at + 8) & 1) === 1,
      crc: bytes.readUInt32LE(at + 16),
      ...sizes,
      mode: host === 3 ? bytes.readUInt32LE(at + 38) >>> 16 : 0,
    });
    at = end + commentLength;
  }
  return members;
}

/** The content of a member, at most `limit` bytes, checked against its CRC. Throws UserError. */
export async function readZipMember(source: ZipSource, member: ZipMember, limit = 1024 ** 3): Promise<Buffer> {
  const { name, size, packed, method, crc } = member;
  if (member.encrypted || (method !== 0 && method !== 8)) throw broken(source, `${name}: packed in an unknown way`);
  if (size > limit || packed > source.size) throw broken(source, `${name}: larger than ${limit} bytes`);
  const start = await contentStart(source, member);
  const bytes = packed === 0 ? Buffer.alloc(0) : await source.read(start, packed);
  let content: Buffer;
  try {
    content = method === 0 ? bytes : size === 0 ? Buffer.alloc(0) : await inflate(bytes, { maxOutputLength: size });
  } catch (error) {
    throw new UserError(`${source.label}: ${name} is broken`, { cause: error });
  }
  if (content.length !== size || crc32(content) !== crc) throw broken(source, name);
  return content;
}

/** Where the content of a member that is stored as it is lies, for what is too large for memory. Throws UserError. */
export async function storedExtent(source: ZipSource, member: ZipMember): Promise<{ offset: number; size: number }> {
  const { name, method, encrypted, size, packed } = member;
  if (method !== 0 || encrypted || size !== packed) throw broken(source, `${name}: not stored as it is`);
  const offset = await contentStart(source, member);
  if (offset + size > source.size) throw broken(source, name);
  return { offset, size };
}

async function contentStart(source: ZipSource, { name, offset }: ZipMember): Promise<number> {
  const head = await source.read(offset, 30);
  if (head.readUInt32LE(0) !== 0x04034b50) throw broken(source, name);
  return offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
}

/** An open file as a source; the descriptor stays its owner's. */
export function fileSource(fd: number, size: number, label: string): ZipSource {
  return {
    label,
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) throw new UserError(`${label} is cut short`);
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let at = 0; at < length;) {
        const { bytesRead } = await readSome(fd, bytes, at, length - at, offset + at);
        if (bytesRead === 0) throw new UserError(`${label} is cut short`);
        at += bytesRead;
      }
      return bytes;
    },
  };
}

async function findDirectory(source: ZipSource): Promise<{ offset: number; size: number; count: number }> {
  const length = Math.min(source.size, 22 + 65_535);
  const base = source.size - length;
  const tail = length < 22 ? Buffer.alloc(0) : await source.read(base, length);
  for (let at = tail.length - 22; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== 0x06054b50 || at + 22 + tail.readUInt16LE(at + 20) !== tail.length) continue;
    const found = {
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const isWide = found.count === 0xffff || found.size === 0xffffffff || found.offset === 0xffffffff;
    if (!isWide || at < 20 || tail.readUInt32LE(at - 20) !== 0x07064b50) return found;
    const wide = await source.read(toNumber(tail.readBigUInt64LE(at - 12), source), 56);
    if (wide.readUInt32LE(0) !== 0x06064b50) throw broken(source, 'directory');
    return {
      count: toNumber(wide.readBigUInt64LE(32), source),
      size: toNumber(wide.readBigUInt64LE(40), source),
      offset: toNumber(wide.readBigUInt64LE(48), source),
    };
  }
  throw new UserError(`${source.label} is no zip archive`);
}

type Sizes = Pick<ZipMember, 'size' | 'packed' | 'offset'>;

/** Fields that did not fit stand in the extra field 1, in this order. */
function wideSizes(sizes: Sizes, extra: Buffer): Sizes {
  const fields = ['size', 'packed', 'offset'] as const;
  if (!fields.some((field) => sizes[field] === 0xffffffff)) return sizes;
  for (let at = 0; at + 4 <= extra.length;) {
    const end = Math.min(extra.length, at + 4 + extra.readUInt16LE(at + 2));
    if (extra.readUInt16LE(at) === 1) {
      const wide: Record<(typeof fields)[number], number> = { ...sizes };
      let from = at + 4;
      for (const field of fields) {
        if (wide[field] !== 0xffffffff || from + 8 > end) continue;
        wide[field] = Number(extra.readBigUInt64LE(from));
        from += 8;
      }
      return wide;
    }
    at = end;
  }
  return sizes;
}

function toNumber(value: bigint, source: ZipSource): number {
  if (value > BigInt(source.size)) throw broken(source, 'directory');
  return Number(value);
}

function broken(source: ZipSource, what: string): UserError {
  return new UserError(`${source.label}: ${what} is broken`);
}
