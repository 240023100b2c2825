import { readSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';

/** One member of an ar archive: where its bytes lie in the file. */
export interface ArMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const magic = '!<arch>\n';

/**
 * The members of an ar archive, as deb(5) has them: short names, no symbol tables. `size` is the file's, `what` the
 * archive as a person names it. Throws UserError with the offset of what is wrong.
 */
export function readAr(fd: number, size: number, what: string): ArMember[] {
  const members: ArMember[] = [];
  if (read(fd, 0, magic.length).toString('latin1') !== magic) throw broken(what, 0, 'not an ar archive');
  for (let at = magic.length; at < size;) {
    const header = read(fd, at, 60);
    if (header.length < 60 || header[58] !== 0x60 || header[59] !== 0x0a) throw broken(what, at, 'bad member header');
    const name = header.toString('latin1', 0, 16).trimEnd().replace(/\/$/, '');
    const digits = header.toString('latin1', 48, 58).trimEnd();
    if (!/^[0-9]{1,10}$/.test(digits)) throw broken(what, at, 'bad member size');
    const length = Number(digits);
    if (!/^[\x21-\x7e]{1,16}$/.test(name)) throw broken(what, at, 'bad member name');
    if (at + 60 + length > size) throw broken(what, at, `member ${name} is longer than the file`);
    if (members.some((other) => other.name === name)) throw broken(what, at, `member ${name} comes twice`);
    members.push({ name, offset: at + 60, size: length });
    if (members.length > 32) throw broken(what, at, 'too many members');
    at += 60 + length + (length % 2);
  }
  return members;
}

function read(fd: number, at: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, at));
}

function broken(what: string, at: number, because: string): UserError {
  return new UserError(`${what}: ${because} (at byte ${at})`);
}
