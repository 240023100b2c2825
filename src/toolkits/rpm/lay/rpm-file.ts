import { openSync, closeSync, readSync, fstatSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';
import { compressionOf, decompress } from '../../../roots/decompress.ts';
import { parseHeader, type Header } from '../header.ts';
import { headerMagic } from './build-header.ts';
import { readCpio, type CpioMember } from './cpio.ts';
import { withoutChecks } from './xz.ts';

const largestHeader = 256 * 1024 * 1024;
const largestPayload = 64 * 1024 ** 3;

/** An .rpm that is open: signature, header, and where its payload begins. */
export interface RpmArchive {
  readonly signature: Header;
  readonly header: Header;
  /** Where its payload begins in the file. */
  readonly payloadAt: number;
  /** The members of its payload, in order. */
  members(): AsyncGenerator<CpioMember, void, undefined>;
}

/** Opens an .rpm for as long as `use` lasts. Throws UserError where it is none; `what` names it. */
export async function withRpm<T>(file: string, what: string, use: (archive: RpmArchive) => Promise<T> | T): Promise<T> {
  const fd = openSync(file, 'r');
  try {
    const size = fstatSync(fd).size;
    const take = (offset: number, length: number): Buffer => {
      const piece = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      if (piece.length < length || readSync(fd, piece, 0, length, offset) < length) throw broken(what);
      return piece;
    };
    if (take(0, 96).readUInt32BE(0) !== 0xedabeedb) throw broken(what);
    const headerAt = (offset: number): { readonly header: Header; readonly end: number } => {
      const head = take(offset, 16);
      const length = 8 + head.readUInt32BE(8) * 16 + head.readUInt32BE(12);
      if (!head.subarray(0, 4).equals(headerMagic.subarray(0, 4)) || length > largestHeader) throw broken(what);
      const header = parseHeader(take(offset + 8, length));
      if (header === undefined) throw broken(what);
      return { header, end: offset + 8 + length };
    };
    const signature = headerAt(96);
    const main = headerAt(signature.end + ((8 - (signature.end % 8)) % 8));
    return await use({
      signature: signature.header,
      header: main.header,
      payloadAt: main.end,
      async *members() {
        const start = take(main.end, Math.min(6, size - main.end));
        const compression = compressionOf(start);
        const payload = { fd, offset: main.end, size: size - main.end };
        const source = compression === 'xz' ? withoutChecks(take(main.end, size - main.end)) : payload;
        yield* readCpio(decompress(source, compression, largestPayload, what), what);
      },
    });
  } finally {
    closeSync(fd);
  }
}

function broken(what: string): UserError {
  return new UserError(`${what} is no .rpm, or a broken one`);
}
