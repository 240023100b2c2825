import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { UserError } from '../../model/index.ts';

/**
 * The one program that apptainer runs for us: it writes a byte to standard output and waits for ever. It needs nothing
 * of the tree that it stands in, so nothing of a stranger's runs before that is confined. Machine code, by processor:
 * `write(1, the beginning of this file, 1)`, then again and again `pause()` or `ppoll(0, 0, 0, 0, 0)`; see syscall(2).
 */
const programs: Readonly<Record<string, { readonly machine: number; readonly code: string }>> = {
  x64: { machine: 62, code: 'b801000000bf01000000be00004000ba010000000f05b8220000000f05ebf7' },
  arm64: {
    machine: 183,
    code: '200080d20108a0d2220080d2080880d2010000d4000080d2010080d2020080d2030080d2040080d2280980d2010000d4f9ffff17',
  },
};

/** Where it stands inside; whatever else of `/.singularity.d` a tree has is not looked at. */
export const waiterPath = '/.singularity.d/repronim';

/** Makes the folder that is let in at `/.singularity.d`. */
export function makeWaiter(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const file = join(folder, 'repronim');
  writeFileSync(file, waiterFor(process.arch));
  chmodSync(file, 0o755);
}

/** The program for a kind of machine: one segment at 0x400000, the headers, and the code behind them. See elf(5). */
export function waiterFor(machine: string): Buffer {
  const program = programs[machine];
  if (program === undefined) {
    throw new UserError(`apptainer cannot be used by repronim on this kind of machine (${machine})`, {
      status: 4,
      hint: 'choose another backend: chroot',
    });
  }
  const code = Buffer.from(program.code, 'hex');
  const headers = Buffer.alloc(120);
  headers.write('\u007fELF\u0002\u0001\u0001', 'latin1');
  headers.writeUInt16LE(2, 16);
  headers.writeUInt16LE(program.machine, 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(0x400078n, 24);
  headers.writeBigUInt64LE(64n, 32);
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  headers.writeUInt32LE(1, 64);
  headers.writeUInt32LE(5, 68);
  headers.writeBigUInt64LE(0x400000n, 80);
  headers.writeBigUInt64LE(0x400000n, 88);
  headers.writeBigUInt64LE(BigInt(120 + code.length), 96);
  headers.writeBigUInt64LE(BigInt(120 + code.length), 104);
  headers.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([headers, code]);
}
