import { fstatSync, openSync, closeSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';
import { readAr, type ArMember } from './ar.ts';
import { decompressed, type Compression } from '../../../roots/decompress.ts';
import { readTar } from './tar.ts';

/** One file of a package's control archive. */
export interface ControlFile {
  readonly name: string;
  readonly mode: number;
  readonly mtime: number;
  readonly content: Buffer;
}

/** An open .deb: its control files, and where its data lies. */
export interface Deb {
  readonly control: readonly ControlFile[];
  readonly data: { readonly offset: number; readonly size: number; readonly compression: Compression };
}

const controlLimit = 64 * 1024 * 1024;
const compressions: Readonly<Record<string, Compression>> = {
  '': 'none',
  '.gz': 'gz',
  '.xz': 'xz',
  '.zst': 'zst',
  '.bz2': 'bz2',
};

/**
 * Opens a Debian package as deb(5) has it, and gives it to `use` with its descriptor. `what` names it in errors, which
 * are UserErrors with the position of what is wrong.
 */
export async function withDeb<T>(file: string, what: string, use: (deb: Deb, fd: number) => Promise<T>): Promise<T> {
  const fd = openSync(file, 'r');
  try {
    return await use(await readDeb(fd, what), fd);
  } finally {
    closeSync(fd);
  }
}

async function readDeb(fd: number, what: string): Promise<Deb> {
  const members = readAr(fd, fstatSync(fd).size, what);
  const [first, ...rest] = members;
  if (first?.name !== 'debian-binary') throw new UserError(`${what}: not a Debian package (no debian-binary)`);
  const version = await decompressed({ fd, ...first }, 'none', 64, what);
  if (!version.toString('latin1').startsWith('2.'))
    throw new UserError(`${what}: unknown version of the package format`);
  const [control, data] = rest.filter(({ name }) => !name.startsWith('_'));
  if (control === undefined || !control.name.startsWith('control.tar')) throw new UserError(`${what}: no control.tar`);
  if (data === undefined || !data.name.startsWith('data.tar')) throw new UserError(`${what}: no data.tar`);
  const tar = await decompressed({ fd, ...control }, compressionOf(control, 'control.tar', what), controlLimit, what);
  return {
    control: readControl(tar, `${what}: ${control.name}`),
    data: { offset: data.offset, size: data.size, compression: compressionOf(data, 'data.tar', what) },
  };
}

function compressionOf(member: ArMember, stem: string, what: string): Compression {
  const found = compressions[member.name.slice(stem.length)];
  if (found === undefined) throw new UserError(`${what}: unknown compression of ${member.name}`);
  return found;
}

function readControl(tar: Buffer, what: string): ControlFile[] {
  const files: ControlFile[] = [];
  const window = { end: tar.length, at: (offset: number, length: number) => tar.subarray(offset, offset + length) };
  for (const member of readTar(window, 0, what)) {
    const name = member.name.replace(/^\.?\/*/, '').replace(/\/+$/, '');
    if (member.type === 'directory' && name === '') continue;
    if (member.type !== 'file' || !/^[A-Za-z0-9_.+-]{1,100}$/.test(name) || name.startsWith('.')) {
      throw new UserError(`${what}: unexpected member ${JSON.stringify(member.name)}`);
    }
    if (files.some((other) => other.name === name)) throw new UserError(`${what}: ${name} comes twice`);
    const content = tar.subarray(member.offset, member.offset + member.size);
    files.push({ name, mode: member.mode & 0o777, mtime: member.mtime, content });
  }
  if (!files.some(({ name }) => name === 'control')) throw new UserError(`${what}: no control file`);
  return files;
}
