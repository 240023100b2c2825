import { readSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';
import { decodeName } from '../../../roots/names.ts';
import {
  blocksOf,
  isSumRight,
  isZeroBlock,
  readName,
  readNumber,
  readRecords,
  untilNul,
} from '../../../roots/tar-block.ts';

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
    if (isZeroBlock(header)) return;
    if (!isSumRight(header)) throw broken(what, at, 'bad checksum of a tar header');
    const flag = header[156] ?? 0;
    const size = readNumber(header, 124, 12);
    if (!Number.isSafeInteger(size) || size < 0) throw broken(what, at, 'bad size of a tar member');
    const body = at + 512;
    const next = body + blocksOf(size);
    if (isExtension(flag)) {
      if (size > 1024 * 1024 || next > window.end) throw broken(what, at, 'an extended tar header is too long');
      const content = Buffer.from(window.at(body, size));
      if (flag === 0x4c) longName = decodeName(untilNul(content));
      else if (flag === 0x4b) longTarget = decodeName(untilNul(content));
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
  const [uid, gid, mtime] = [readNumber(header, 108, 8), readNumber(header, 116, 8), readNumber(header, 136, 12)];
  if (!(uid >= 0) || !(gid >= 0) || Number.isNaN(mtime)) throw broken(what, at, 'bad numbers of a tar member');
  return {
    name: decodeName(readName(header)),
    type,
    mode: readNumber(header, 100, 8) & 0o7777,
    uid,
    gid,
    owner: text(header, 265, 32),
    group: text(header, 297, 32),
    mtime,
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

function text(header: Buffer, from: number, length: number): string {
  return decodeName(untilNul(header.subarray(from, from + length)));
}

function paxRecords(content: Buffer, what: string, at: number): Map<string, string> {
  const records = readRecords(content);
  if (records === undefined) throw broken(what, at, 'a broken pax header');
  return new Map([...records].map(([key, value]) => [key, decodeName(value)]));
}

function broken(what: string, at: number, because: string): UserError {
  return new UserError(`${what}: ${because} (at byte ${at} of its tar)`);
}
