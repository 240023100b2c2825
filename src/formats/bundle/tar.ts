import { BundleDamage } from './frame.ts';

/**
 * The little of pax(1) (POSIX.1-2024, "pax Interchange Format") that a bundle is made of: regular files with short
 * names, and one extended record, `size`, for what is larger than 8 GiB.
 */
export const blockSize = 512;

const largestOctal = 0o77777777777;

/** The headers of one regular file: mode 0644, root's, of no time. */
export function fileHeader(name: string, size: number): Buffer {
  if (size <= largestOctal) return header(name, size, '0');
  const body = record('size', String(size));
  const padded = Buffer.alloc(paddedSize(body.length));
  padded.write(body);
  return Buffer.concat([header(`${name}.pax`, body.length, 'x'), padded, header(name, 0, '0')]);
}

export function paddedSize(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

export interface Member {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** A header block, or undefined for a block of zeros: the end. Throws BundleDamage. */
export function parseHeader(block: Buffer): Member | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (octal(block, 148, 8) !== sum) throw new BundleDamage('its header is damaged');
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? field(block, 345, 155) : '';
  const name = field(block, 0, 100);
  const size = octal(block, 124, 12);
  if (size === undefined) throw new BundleDamage('its header has no size');
  const type = String.fromCharCode(block[156] ?? 0).replace('\0', '0');
  return { name: prefix === '' ? name : `${prefix}/${name}`, type, size };
}

/** The records of an extended header. Throws BundleDamage. */
export function parseRecords(body: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const [, digits = ''] = /^([1-9][0-9]{0,5}) /.exec(body.toString('latin1', at, at + 8)) ?? [];
    const end = at + Number(digits);
    const text = body.toString('utf8', at + digits.length + 1, end);
    const equals = text.indexOf('=');
    if (digits === '' || end > body.length || equals < 1 || !text.endsWith('\n')) {
      throw new BundleDamage('its extended header is damaged');
    }
    records.set(text.slice(0, equals), text.slice(equals + 1, -1));
    at = end;
  }
  return records;
}

function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(name, 0, 100);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\u{0}00', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A record counts itself: `LENGTH KEY=VALUE\n`. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return `${length}${rest}`;
}

function field(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('utf8', start, end === -1 || end > start + length ? start + length : end);
}

function octal(block: Buffer, start: number, length: number): number | undefined {
  const digits = block.toString('latin1', start, start + length).replace(/[\0 ].*$/s, '');
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
