import { readFileSync, readdirSync } from 'node:fs';

import { decodeName } from '../../roots/names.ts';

/** What the kernel itself opens when a file is executed: the program interpreter of an ELF file, or a script's. */
export interface Interpreter {
  /** As it is written in the file: absolute, or relative to the working directory (`#!`). */
  readonly name: string;
  /** A script's interpreter is executed in its turn; an ELF interpreter is mapped. */
  readonly executed: boolean;
}

/** A rule of binfmt_misc (Documentation/admin-guide/binfmt-misc.rst). */
export interface BinaryFormat {
  readonly interpreter: string;
  readonly extension: string | undefined;
  readonly offset: number;
  readonly magic: Buffer;
  readonly mask: Buffer | undefined;
}

const headSize = 256; // BINPRM_BUF_SIZE of linux/binfmts.h, since 5.1; what is beyond is not seen by the kernel

/** The interpreter of the file whose bytes `read` gives; undefined where there is none, or it can't be read. */
export function findInterpreter(
  read: (position: number, length: number) => Buffer,
  path: string,
  formats: readonly BinaryFormat[],
): Interpreter | undefined {
  try {
    const head = read(0, headSize);
    const registered = formats.find((format) => matches(format, head, path));
    if (registered !== undefined) return { name: registered.interpreter, executed: true };
    if (head.length > 2 && head[0] === 35 && head[1] === 33) return scriptInterpreter(head);
    if (head.length >= 52 && head.readUInt32BE(0) === 0x7f454c46) return elfInterpreter(read, head);
    return undefined;
  } catch {
    return undefined; // a damaged header: the kernel would not have run it, so it has changed since
  }
}

/** The rules that are registered with the running kernel. */
export function binaryFormats(directory = '/proc/sys/fs/binfmt_misc'): readonly BinaryFormat[] {
  try {
    return readdirSync(directory)
      .filter((name) => name !== 'register' && name !== 'status')
      .flatMap((name) => {
        const rule = parseFormat(readFileSync(`${directory}/${name}`, 'latin1'));
        return rule === undefined ? [] : [rule];
      });
  } catch {
    return []; // not mounted, or not for us
  }
}

export function parseFormat(text: string): BinaryFormat | undefined {
  const field = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
  const interpreter = field('interpreter');
  if (!text.startsWith('enabled') || interpreter === undefined) return undefined;
  const mask = field('mask');
  return {
    interpreter,
    extension: field('extension'),
    offset: Number(field('offset') ?? 0),
    magic: Buffer.from(field('magic') ?? '', 'hex'),
    mask: mask === undefined ? undefined : Buffer.from(mask, 'hex'),
  };
}

function matches(format: BinaryFormat, head: Buffer, path: string): boolean {
  if (format.extension !== undefined) return path.slice(path.lastIndexOf('/')).endsWith(format.extension);
  if (format.magic.length === 0 || head.length < format.offset + format.magic.length) return false;
  return format.magic.every((byte, index) => {
    const mask = format.mask?.[index] ?? 255;
    return ((head[format.offset + index] ?? 0) & mask) === (byte & mask);
  });
}

function scriptInterpreter(head: Buffer): Interpreter | undefined {
  const end = head.indexOf(10);
  const line = decodeName(head.subarray(2, end < 0 ? head.length : end));
  const name = /^[ \t]*([^ \t\0]+)/.exec(line)?.[1];
  return name === undefined ? undefined : { name, executed: true };
}

/** PT_INTERP of elf(5), in either class and byte order. */
function elfInterpreter(read: (position: number, length: number) => Buffer, head: Buffer): Interpreter | undefined {
  const wide = head[4] === 2;
  const little = head[5] === 1;
  const u16 = (bytes: Buffer, at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (bytes: Buffer, at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const word = (bytes: Buffer, at: number) =>
    wide ? Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)) : u32(bytes, at);
  const size = u16(head, wide ? 54 : 42);
  const count = u16(head, wide ? 56 : 44);
  const table = read(word(head, wide ? 32 : 28), Math.min(size * count, 65_536));
  if (size < 32) return undefined;
  for (let at = 0; at + size <= table.length; at += size) {
    if (u32(table, at) !== 3) continue;
    const length = Math.min(word(table, at + (wide ? 32 : 16)), 4096);
    const bytes = read(word(table, at + (wide ? 8 : 4)), length);
    const end = bytes.indexOf(0);
    return { name: decodeName(bytes.subarray(0, end < 0 ? bytes.length : end)), executed: false };
  }
  return undefined;
}
