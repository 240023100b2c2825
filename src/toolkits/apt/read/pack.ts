import { nameBytes } from '../../../roots/names.ts';
import { encodeBlock, tarPadding } from '../../../roots/tar-header.ts';

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

const kinds = { file: '0', hardlink: '1', link: '2', directory: '5' } as const;

/** The tar header of a member, long names before it in GNU's way: the only one that every dpkg reads. */
export function tarHeader(member: Member): Buffer {
  const name = nameBytes(member.type === 'directory' ? `${member.name}/` : member.name);
  const target = nameBytes(member.target ?? '');
  return Buffer.concat([
    ...(target.length > 100 ? [longName('K', target)] : []),
    ...(name.length > 100 ? [longName('L', name)] : []),
    encodeBlock(
      { ...member, kind: kinds[member.type], name, target, size: member.type === 'file' ? member.size : 0 },
      'gnu',
    ),
  ]);
}

/** The header of a member of an ar archive, as deb(5) has it. */
export function arHeader(name: string, size: number, mtime: number): Buffer {
  const fields = [name.padEnd(16), String(mtime).padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)];
  return Buffer.from(`${fields.join('')}${String(size).padEnd(10)}\`\n`, 'latin1');
}

/** What follows a member of this size. */
export function arPadding(size: number): Buffer {
  return Buffer.from(size % 2 === 0 ? '' : '\n');
}

function longName(kind: 'K' | 'L', value: Buffer): Buffer {
  const content = Buffer.concat([value, Buffer.alloc(1)]);
  const name = Buffer.from('././@LongLink');
  const header = encodeBlock({ kind, name, mode: 0, uid: 0, gid: 0, size: content.length, mtime: 0 }, 'gnu');
  return Buffer.concat([header, content, tarPadding(content.length)]);
}
