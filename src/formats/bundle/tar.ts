import { BundleDamage } from './frame.ts';

/**
 * The little of pax(1) (POSIX.1-2024, "pax Interchange Format") that is read in a bundle: regular files with short
 * names, and the extended records `size` (for what is larger than 8 GiB) and `path`.
 */
export const blockSize = 512;

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

function field(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('utf8', start, end === -1 || end > start + length ? start + length : end);
}

function octal(block: Buffer, start: number, length: number): number | undefined {
  const digits = block.toString('latin1', start, start + length).replace(/[\0 ].*$/s, '');
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
