import { nameBytes } from '../../../roots/names.ts';

/** One member of a tar. */
export interface Member {
  /** With `./` before it; a folder's without `/` at its end. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'link' | 'hardlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  /** Seconds. */
  readonly mtime: number;
  /** Of a file. */
  readonly size: number;
  /** Of a link, as it is; of a hard link, another member's name. */
  readonly target?: string;
}

const flags = { file: '0', hardlink: '1', link: '2', directory: '5' } as const;

/** The tar header of a member, long names before it in GNU's way: the only one that every dpkg reads. */
export function tarHeader(member: Member): Buffer {
  const name = nameBytes(member.type === 'directory' ? `${member.name}/` : member.name);
  const target = nameBytes(member.target ?? '');
  return Buffer.concat([
    ...(target.length > 100 ? [longName('K', target)] : []),
    ...(name.length > 100 ? [longName('L', name)] : []),
    block(member, name, target),
  ]);
}

/** What follows a content of this size to end its last block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

/** The two empty blocks that end a tar. */
export const tarEnd = Buffer.alloc(1024);

/** The header of a member of an ar archive, as deb(5) has it. */
export function arHeader(name: string, size: number, mtime: number): Buffer {
  const fields = [name.padEnd(16), String(mtime).padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)];
  return Buffer.from(`${fields.join('')}${String(size).padEnd(10)}\`\n`, 'latin1');
}

/** What follows a member of this size. */
export function arPadding(size: number): Buffer {
  return Buffer.from(size % 2 === 0 ? '' : '\n');
}

function longName(flag: 'K' | 'L', value: Buffer): Buffer {
  const content = Buffer.concat([value, Buffer.alloc(1)]);
  const header = Buffer.alloc(512);
  header.write('././@LongLink', 0, 'latin1');
  write(header, { mode: 0, uid: 0, gid: 0, size: content.length, mtime: 0 }, flag);
  return Buffer.concat([header, content, tarPadding(content.length)]);
}

function block(member: Member, name: Buffer, target: Buffer): Buffer {
  const header = Buffer.alloc(512);
  name.copy(header, 0, 0, 100);
  target.copy(header, 157, 0, 100);
  header.write(member.user ?? '', 265, 31, 'utf8');
  header.write(member.group ?? '', 297, 31, 'utf8');
  write(header, { ...member, size: member.type === 'file' ? member.size : 0 }, flags[member.type]);
  return header;
}

function write(
  header: Buffer,
  { mode, uid, gid, size, mtime }: Pick<Member, 'mode' | 'uid' | 'gid' | 'size' | 'mtime'>,
  flag: string,
): void {
  octal(header, mode, 100, 8);
  octal(header, uid, 108, 8);
  octal(header, gid, 116, 8);
  octal(header, size, 124, 12);
  octal(header, mtime, 136, 12);
  header.write(flag, 156, 'latin1');
  header.write('ustar  \0', 257, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

function octal(header: Buffer, value: number, at: number, width: number): void {
  const digits = value.toString(8).padStart(width - 1, '0');
  if (digits.length < width) header.write(digits, at, 'latin1');
  else {
    // GNU's way for what eight octal digits don't hold: base 256, marked by the highest bit
    header.writeUIntBE(value, at + width - 6, 6);
    header.writeUInt8(0x80, at);
  }
}
