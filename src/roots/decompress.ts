import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { createGunzip, createZstdDecompress } from 'node:zlib';

import { sizeText, UserError } from '../model/index.ts';

const readSome = promisify(read);

/** What dpkg-deb(1) writes, apt's lists come in, and tars are packed with. */
export type Compression = 'none' | 'gz' | 'xz' | 'zst' | 'bz2';

/** A piece of an open file. */
interface Extent {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
}

/** How bytes that begin so are compressed. */
export function compressionOf(start: Buffer): Compression {
  const magic = start.toString('latin1', 0, 6);
  if (magic.startsWith('\x1f\x8b')) return 'gz';
  if (magic.startsWith('\x28\xb5\x2f\xfd')) return 'zst';
  if (magic === '\xfd7zXZ\0') return 'xz';
  return magic.startsWith('BZh') ? 'bz2' : 'none';
}

/**
 * The bytes of something compressed, at most `limit` of them: a bomb is an error. `what` names it in errors, which are
 * UserErrors.
 */
export async function* decompress(
  from: Extent | Buffer,
  compression: Compression,
  limit: number,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of decoders[compression](from, limit)) {
      size += chunk.length;
      if (size > limit) throw new UserError(`${what}: refused: unpacks to more than ${sizeText(limit)}`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new UserError(`${what}: the ${compression} data is broken after ${size} bytes: ${said}`, { cause: error });
  }
}

/** All of it in one piece. */
export async function decompressed(
  from: Extent | Buffer,
  compression: Compression,
  limit: number,
  what: string,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(from, compression, limit, what)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What is compressed may be so many times larger, or so large anyway: more is a bomb. */
export function mostUnpacked(packed: number): number {
  return Math.max(100 * packed, 4 * 1024 ** 3);
}

/** A whole file, decompressed if need be. Throws UserError for a bomb. */
export async function* decompressFile(file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const fd = openSync(file, 'r');
  try {
    const start = Buffer.alloc(6);
    readSync(fd, start, 0, start.length, 0);
    const whole = { fd, offset: 0, size: fstatSync(fd).size };
    const compression = compressionOf(start);
    yield* decompress(whole, compression, compression === 'none' ? Infinity : mostUnpacked(whole.size), file);
  } finally {
    closeSync(fd);
  }
}

const decoders: Record<Compression, (from: Extent | Buffer, limit: number) => AsyncIterable<Uint8Array>> = {
  none: (from) => pieces(from),
  gz: (from) => piped(stream(from), createGunzip({ chunkSize: 256 * 1024 })),
  xz: decodeXz,
  zst: decodeZstd,
  bz2: decodeBzip2,
};

/** What there is from this byte on. The descriptor stays open, however this ends: a ReadStream would close it. */
async function* pieces(from: Extent | Buffer, skip = 0): AsyncGenerator<Buffer, void, undefined> {
  if (Buffer.isBuffer(from)) return yield from.subarray(skip);
  for (let at = skip; at < from.size;) {
    const piece = Buffer.allocUnsafeSlow(Math.min(256 * 1024, from.size - at));
    const { bytesRead } = await readSome(from.fd, piece, 0, piece.length, from.offset + at);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function stream(from: Extent | Buffer, skip = 0): Readable {
  return Readable.from(pieces(from, skip), { objectMode: false, highWaterMark: 256 * 1024 });
}

function sizeOf(from: Extent | Buffer): number {
  return Buffer.isBuffer(from) ? from.length : from.size;
}

function piped(from: Readable, through: NodeJS.ReadWriteStream & AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  from.once('error', (error) => (through as unknown as Readable).destroy(error));
  // an end before its own: of a frame, or of the interest in it
  (through as unknown as Readable).once('close', () => from.destroy());
  from.pipe(through);
  return through as AsyncIterable<Uint8Array>;
}

async function* decodeXz(from: Extent | Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  const { default: xz } = await import('xz-decompress');
  const source = Readable.toWeb(stream(from)) as unknown as ConstructorParameters<typeof xz.XzReadableStream>[0];
  const reader = (new xz.XzReadableStream(source) as unknown as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Node's decoder ends with the first frame and says nothing of the rest (nodejs/node#64741): one decoder a frame. */
async function* decodeZstd(from: Extent | Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < sizeOf(from);) {
    const frame = createZstdDecompress({ chunkSize: 256 * 1024 });
    yield* piped(stream(from, at), frame);
    if (frame.bytesWritten <= 0) throw new Error('an empty frame');
    at += frame.bytesWritten;
  }
}

/** It is decoded at once, and no further than one byte beyond the limit: what is too much is seen by that. */
async function* decodeBzip2(from: Extent | Buffer, limit: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (sizeOf(from) > 512 * 1024 * 1024) throw new Error('too large for bzip2');
  const { default: bunzip } = await import('seek-bzip');
  const packed = Buffer.isBuffer(from) ? from : Buffer.alloc(from.size);
  if (!Buffer.isBuffer(from)) readSync(from.fd, packed, 0, from.size, from.offset);
  let out = Buffer.allocUnsafe(Math.max(64 * 1024, packed.length * 4));
  let size = 0;
  const enough = new Error('enough');
  const writeByte = (byte: number) => {
    if (size > limit) throw enough;
    if (size === out.length) {
      const larger = Buffer.allocUnsafe(out.length * 2);
      out.copy(larger);
      out = larger;
    }
    out[size++] = byte;
  };
  try {
    bunzip.decode(packed, { writeByte }, true);
  } catch (error) {
    if (error !== enough) throw error;
  }
  yield out.subarray(0, size);
}
