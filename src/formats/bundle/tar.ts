import { isSumRight, isZeroBlock, readName, readNumber, readRecords } from '../../roots/tar-block.ts';
import { BundleDamage } from './frame.ts';

/**
 * The little of a tar that is read in a bundle: regular files with short names, and the extended records `size` (for
 * what is larger than 8 GiB) and `path`.
 */
export interface Member {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** A header block, or undefined for a block of zeros: the end. Throws BundleDamage. */
export function parseHeader(block: Buffer): Member | undefined {
  if (isZeroBlock(block)) return undefined;
  if (!isSumRight(block)) throw new BundleDamage('its header is damaged');
  const size = readNumber(block, 124, 12);
  if (!(size >= 0)) throw new BundleDamage('its header has no size');
  const type = String.fromCharCode(block[156] ?? 0).replace('\0', '0');
  return { name: readName(block).toString('utf8'), type, size };
}

/** The records of an extended header. Throws BundleDamage. */
export function parseRecords(body: Buffer): ReadonlyMap<string, string> {
  const records = readRecords(body);
  if (records === undefined) throw new BundleDamage('its extended header is damaged');
  return new Map([...records].map(([key, value]) => [key, value.toString('utf8')]));
}
