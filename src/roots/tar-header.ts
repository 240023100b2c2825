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
  const extended: Buffer[] = [];
  if (name.length > 100 || !isAscii(name)) extended.push(record('path', name));
  if (target.length > 100 || !isAscii(target)) extended.push(record('linkpath', target));
  if (header.size > 0o77777777777) extended.push(record('size', Buffer.from(String(header.size))));
  if (header.uid > 0o7777777) extended.push(record('uid', Buffer.from(String(header.uid))));
  if (header.gid > 0o7777777) extended.push(record('gid', Buffer.from(String(header.gid))));
  if (header.capability !== undefined) {
    extended.push(record('SCHILY.xattr.security.capability', Buffer.from(header.capability, 'hex')));
  }
  const own = blockOf(header, name, target, kinds[header.type], header.size);
  if (extended.length === 0) return own;
  const body = Buffer.concat(extended);
  const front = blockOf({ ...header, mode: 0o644 }, Buffer.from('pax'), Buffer.alloc(0), 'x', body.length);
  return Buffer.concat([front, body, tarPadding(body.length), own]);
}

/** The zeros that follow `size` bytes of content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

function blockOf(header: Header, name: Buffer, target: Buffer, kind: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at, length - 1, 'latin1');
  name.copy(block, 0, 0, 100);
  octal(header.mode & 0o7777, 100, 8);
  octal(header.uid > 0o7777777 ? 0 : header.uid, 108, 8);
  octal(header.gid > 0o7777777 ? 0 : header.gid, 116, 8);
  octal(size > 0o77777777777 ? 0 : size, 124, 12);
  octal(Math.min(Math.max(0, Math.floor(header.mtimeMs / 1000)), 0o77777777777), 136, 12);
  block.fill(0x20, 148, 156);
  block.write(kind, 156, 1, 'latin1');
  target.copy(block, 157, 0, 100);
  block.write('ustar\u000000', 257, 8, 'latin1');
  octal(header.device?.[0] ?? 0, 329, 8);
  octal(header.device?.[1] ?? 0, 337, 8);
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
