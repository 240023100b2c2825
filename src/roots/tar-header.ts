import type { Entry } from '../model/index.ts';
import { nameBytes } from './names.ts';

/** What stands in a member's headers; see `Member`. */
export interface Header {
  readonly name: string;
  readonly type: Exclude<Entry['type'], 'socket'> | 'hardlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds since the epoch are kept. */
  readonly mtimeMs: number;
  readonly target?: string | undefined;
  readonly device?: readonly [number, number] | undefined;
  readonly capability?: string | undefined;
}

const kinds = { file: '0', hardlink: '1', link: '2', character: '3', block: '4', directory: '5', fifo: '6' } as const;

/** The end of a tar. */
export const tarEnd = Buffer.alloc(1024);

/**
 * The header blocks of one member: ustar, with a pax header in front where a name, a number or a capability needs it.
 * The content follows, and `tarPadding(size)`. Equal values give equal bytes.
 */
export function encodeHeader(header: Header): Buffer {
  const name = nameBytes(header.type === 'directory' ? `${header.name}/` : header.name);
  const target = nameBytes(header.target ?? '');
  const mtime = Math.floor(header.mtimeMs / 1000);
  const extended: Buffer[] = [];
  if (name.length > 100 || !isAscii(name)) extended.push(record('path', name));
  if (target.length > 100 || !isAscii(target)) extended.push(record('linkpath', target));
  if (header.size > 0o77777777777) extended.push(record('size', Buffer.from(String(header.size))));
  if (header.uid > 0o7777777) extended.push(record('uid', Buffer.from(String(header.uid))));
  if (header.gid > 0o7777777) extended.push(record('gid', Buffer.from(String(header.gid))));
  if (header.capability !== undefined) {
    extended.push(record('SCHILY.xattr.security.capability', Buffer.from(header.capability, 'hex')));
  }
  if (mtime < 0 || mtime > 0o77777777777) extended.push(record('mtime', Buffer.from(String(mtime))));
  const { mode, uid, gid, size, device = [0, 0] } = header;
  const own = encodeBlock({ kind: kinds[header.type], name, target, mode, uid, gid, size, mtime, device }, 'ustar');
  if (extended.length === 0) return own;
  const body = Buffer.concat(extended);
  const front = { kind: 'x', name: Buffer.from('pax'), mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0 };
  return Buffer.concat([encodeBlock(front, 'ustar'), body, tarPadding(body.length), own]);
}

/** The zeros that follow `size` bytes of content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

/** What one header block says. */
export interface Block {
  readonly kind: string;
  readonly name: Buffer;
  readonly target?: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds since the epoch. */
  readonly mtime: number;
  readonly user?: string;
  readonly group?: string;
  readonly device?: readonly [number, number];
}

/**
 * One header block, names cut to what it holds. Numbers that its octal digits don't hold are 0 in ustar (a pax header
 * has them), and in base 256 in GNU's format.
 */
export function encodeBlock(fields: Block, format: 'ustar' | 'gnu'): Buffer {
  const block = Buffer.alloc(512);
  const number = (value: number, at: number, length: number): void => {
    const digits = value.toString(8).padStart(length - 1, '0');
    if (digits.length < length) block.write(digits, at, 'latin1');
    else if (format === 'ustar') block.write('0'.repeat(length - 1), at, 'latin1');
    else {
      block.writeUIntBE(value, at + length - 6, 6);
      block.writeUInt8(0x80, at);
    }
  };
  fields.name.copy(block, 0, 0, 100);
  number(fields.mode & 0o7777, 100, 8);
  number(fields.uid, 108, 8);
  number(fields.gid, 116, 8);
  number(fields.size, 124, 12);
  number(Math.max(0, fields.mtime), 136, 12);
  block.fill(0x20, 148, 156);
  block.write(fields.kind, 156, 1, 'latin1');
  fields.target?.copy(block, 157, 0, 100);
  block.write(format === 'ustar' ? 'ustar\u000000' : 'ustar  \0', 257, 8, 'latin1');
  if (fields.user !== undefined) block.write(fields.user, 265, 31, 'utf8');
  if (fields.group !== undefined) block.write(fields.group, 297, 31, 'utf8');
  if (fields.device !== undefined) {
    number(fields.device[0], 329, 8);
    number(fields.device[1], 337, 8);
  }
  let sum = 0;
  for (let index = 0; index < 512; index += 1) sum += block[index] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return block;
}

/** The length counts its own digits. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function isAscii(bytes: Buffer): boolean {
  for (let index = 0; index < bytes.length; index += 1) if ((bytes[index] ?? 0) >= 0x80) return false;
  return true;
}
