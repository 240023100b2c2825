import { readSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';
import { decodeName } from '../../../roots/names.ts';

/** One member of a tar: what its headers say, and where its bytes lie. */
export interface TarMember {
  /** As it is in the archive. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'link' | 'hardlink' | 'device' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly owner: string;
  readonly group: string;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Of a file; else 0. */
  readonly size: number;
  /** Of a link or hard link. */
  readonly target: string;
  /** Of the first byte of content. */
  readonly offset: number;
}

/** A window on a file that is read forwards: `at` gives `length` bytes, which hold until the next call. */
export interface Window {
  readonly end: number;
  at(offset: number, length: number): Buffer;
}

const windowSize = 1024 * 1024;

/** Opens a window on bytes `start` to `end` of a file. Short reads throw. */
export function openWindow(fd: number, start: number, end: number): Window {
  const buffer = Buffer.allocUnsafeSlow(windowSize);
  let from = start;
  let filled = 0;
  return {
    end,
    at(offset, length) {
      if (offset < from || offset + length > from + filled) {
        from = offset;
        filled = readSync(fd, buffer, 0, Math.min(windowSize, end - offset), offset);
        if (filled < length) throw new UserError(`the archive ends early (at byte ${offset + filled})`);
      }
      return buffer.subarray(offset - from, offset - from + length);
    },
  };
}

/**
 * The members of a tar as dpkg reads it: ustar, GNU long names, pax paths. Sizes and names are bounded, checksums
 * checked; what is wrong throws UserError with `what` and the offset.
 */
export function* readTar(window: Window, start: number, what: string): Generator<TarMember, void, undefined> {
  let longName: string | undefined;
  let longTarget: string | undefined;
  let pax: Map<string, string> | undefined;
  for (let at = start; at + 512 <= window.end;) {
    const header = window.at(at, 512);
    if (isZero(header)) return;
    if (!hasGoodChecksum(header)) throw broken(what, at, 'bad checksum of a tar header');
    const flag = header[156] ?? 0;
    const size = number(header, 124, 12);
    if (!Number.isSafeInteger(size) || size < 0) throw broken(what, at, 'bad size of a tar member');
    const body = at + 512;
    const next = body + Math.ceil(size / 512) * 512;
    if (isExtension(flag)) {
      if (size > 1024 * 1024 || next > window.end) throw broken(what, at, 'an extended tar header is too long');
      const content = Buffer.from(window.at(body, size));
      if (flag === 0x4c) longName = decodeName(upToNul(content));
      else if (flag === 0x4b) longTarget = decodeName(upToNul(content));
      else if (flag === 0x78) pax = paxRecords(content, what, at);
      at = next;
      continue;
    }
    const member = readMember(header, flag, size, body, what, at);
    const path = pax?.get('path') ?? longName;
    const target = pax?.get('linkpath') ?? longTarget;
    const paxSize = pax?.get('size');
    if (paxSize !== undefined && Number(paxSize) !== member.size) throw broken(what, at, 'two sizes of one tar member');
    const name = path ?? member.name;
    // old archives say so of a folder; the short form of a long name may end anywhere
    const type = member.type === 'file' && name.endsWith('/') ? 'directory' : member.type;
    const whole = { ...member, name, type, ...(target !== undefined && { target }) };
    if (whole.name.includes('\0') || whole.target.includes('\0')) throw broken(what, at, 'a name with a NUL');
    if (whole.type === 'file' && next > window.end) throw broken(what, at, `${whole.name} is longer than the archive`);
    yield whole;
    longName = longTarget = pax = undefined;
    at = member.type === 'file' ? next : body;
  }
}

function readMember(header: Buffer, flag: number, size: number, offset: number, what: string, at: number): TarMember {
  const type = typeOf(flag);
  if (type === undefined) throw broken(what, at, `a tar member of unknown kind ${String.fromCharCode(flag)}`);
  const name = text(header, 0, 100);
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? text(header, 345, 155) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type,
    mode: number(header, 100, 8) & 0o7777,
    uid: number(header, 108, 8),
    gid: number(header, 116, 8),
    owner: text(header, 265, 32),
    group: text(header, 297, 32),
    mtime: number(header, 136, 12),
    size: type === 'file' ? size : 0,
    target: type === 'link' || type === 'hardlink' ? text(header, 157, 100) : '',
    offset,
  };
}

function typeOf(flag: number): TarMember['type'] | undefined {
  switch (flag) {
    case 0:
    case 0x30:
    case 0x37:
      return 'file';
    case 0x31:
      return 'hardlink';
    case 0x32:
      return 'link';
    case 0x33:
    case 0x34:
      return 'device';
    case 0x35:
      return 'directory';
    case 0x36:
      return 'fifo';
    default:
      return undefined;
  }
}

function isExtension(flag: number): boolean {
  return flag === 0x4c || flag === 0x4b || flag === 0x78 || flag === 0x67;
}

function isZero(header: Buffer): boolean {
  for (let i = 0; i < 512; i += 1) if (header[i] !== 0) return false;
  return true;
}

function hasGoodChecksum(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < 148; i += 1) sum += header[i] ?? 0;
  for (let i = 156; i < 512; i += 1) sum += header[i] ?? 0;
  return sum === number(header, 148, 8);
}

/** An octal number, or GNU's base-256 one; NaN where it is neither. */
function number(header: Buffer, from: number, length: number): number {
  const first = header[from] ?? 0;
  if (first === 0x80) {
    let value = 0;
    for (let i = from + 1; i < from + length; i += 1) value = value * 256 + (header[i] ?? 0);
    return value;
  }
  let value = 0;
  let digits = 0;
  for (let i = from; i < from + length; i += 1) {
    const byte = header[i] ?? 0;
    if (byte === 0x20 && digits === 0) continue;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return NaN;
    value = value * 8 + byte - 0x30;
    digits += 1;
  }
  return value;
}

function text(header: Buffer, from: number, length: number): string {
  return decodeName(upToNul(header.subarray(from, from + length)));
}

function upToNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function paxRecords(content: Buffer, what: string, at: number): Map<string, string> {
  const records = new Map<string, string>();
  for (let from = 0; from < content.length;) {
    const space = content.indexOf(0x20, from);
    const length = Number(content.toString('latin1', from, space));
    const end = from + length;
    if (space < 0 || !Number.isSafeInteger(length) || length < 5 || end > content.length || content[end - 1] !== 0x0a) {
      throw broken(what, at, 'a broken pax header');
    }
    const equals = content.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw broken(what, at, 'a broken pax header');
    records.set(content.toString('latin1', space + 1, equals), decodeName(content.subarray(equals + 1, end - 1)));
    from = end;
  }
  return records;
}

function broken(what: string, at: number, because: string): UserError {
  return new UserError(`${what}: ${because} (at byte ${at} of its tar)`);
}
