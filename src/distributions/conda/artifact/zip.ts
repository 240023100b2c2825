import { readSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';

/** A member of a zip that is stored as it is: where it lies in the file. */
export interface StoredMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const mostMembers = 1000;

/**
 * The members of a `.conda`: a zip whose members are not compressed. Throws UserError for anything else.
 * See https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.
 */
export function readZip(fd: number, size: number, what: string): readonly StoredMember[] {
  const broken = (because: string) => new UserError(`${what} is no package of conda's: ${because}`);
  const read = (offset: number, length: number) => {
    if (offset < 0 || length < 0 || offset + length > size) throw broken('it is cut short');
    const bytes = Buffer.alloc(length);
    if (readSync(fd, bytes, 0, length, offset) !== length) throw broken('it is cut short');
    return bytes;
  };
  const tail = read(Math.max(0, size - 65_557), Math.min(size, 65_557));
  const at = tail.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (at === -1 || at + 22 > tail.length) throw broken('it is no zip');
  const members = tail.readUInt16LE(at + 10);
  const length = tail.readUInt32LE(at + 12);
  if (members > mostMembers || length > 1024 * 1024) throw broken('it has too many members');
  const directory = read(tail.readUInt32LE(at + 16), length);
  const found: StoredMember[] = [];
  for (let from = 0, index = 0; index < members; index += 1) {
    if (from + 46 > directory.length || directory.toString('latin1', from, from + 4) !== 'PK\x01\x02')
      throw broken('its directory is broken');
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(from + field));
    const end = from + 46 + (nameLength ?? 0);
    const name = directory.toString('utf8', from + 46, end);
    const packed = directory.readUInt32LE(from + 20);
    if (directory.readUInt16LE(from + 10) !== 0 || packed !== directory.readUInt32LE(from + 24))
      throw broken(`${name} is compressed in it`);
    const header = directory.readUInt32LE(from + 42);
    const local = read(header, 30);
    const offset = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (offset + packed > size) throw broken('it is cut short');
    found.push({ name, offset, size: packed });
    from = end + (extra ?? 0) + (comment ?? 0);
  }
  return found;
}
