import { createReadStream, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createGunzip, createZstdDecompress } from 'node:zlib';

import { UserError } from '../../../model/index.ts';

/** How a member of a .deb is compressed; dpkg-deb(1) writes these and no others. */
export type Compression = 'none' | 'gz' | 'xz' | 'zst' | 'bz2';

/** A piece of an open file. */
export interface Extent {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * The bytes of a compressed piece of a file, at most `limit` of them: a bomb is an error. `what` names it in errors.
 */
export async function* decompress(
  extent: Extent,
  compression: Compression,
  limit: number,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of decoders[compression](extent)) {
      size += chunk.length;
      if (size > limit) throw new UserError(`${what}: unpacks to more than ${limit} bytes`);
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
  extent: Extent,
  compression: Compression,
  limit: number,
  what: string,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(extent, compression, limit, what)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const decoders: Record<Compression, (extent: Extent) => AsyncIterable<Uint8Array>> = {
  none: (extent) => stream(extent),
  gz: (extent) => piped(stream(extent), createGunzip({ chunkSize: 256 * 1024 })),
  xz: decodeXz,
  zst: decodeZstd,
  bz2: decodeBzip2,
};

function stream({ fd, offset, size }: Extent): Readable {
  if (size === 0) return Readable.from([]);
  return createReadStream('', {
    fd,
    autoClose: false,
    start: offset,
    end: offset + size - 1,
    highWaterMark: 256 * 1024,
  });
}

function piped(from: Readable, through: NodeJS.ReadWriteStream & AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  from.once('error', (error) => (through as unknown as Readable).destroy(error));
  from.pipe(through);
  return through as AsyncIterable<Uint8Array>;
}

async function* decodeXz(extent: Extent): AsyncGenerator<Uint8Array, void, undefined> {
  const { default: xz } = await import('xz-decompress');
  const source = Readable.toWeb(stream(extent)) as unknown as ConstructorParameters<typeof xz.XzReadableStream>[0];
  const reader = (new xz.XzReadableStream(source) as unknown as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Node's decoder ends with the first frame and says nothing of the rest (nodejs/node#64741): one decoder a frame. */
async function* decodeZstd(extent: Extent): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < extent.size;) {
    const rest = { fd: extent.fd, offset: extent.offset + at, size: extent.size - at };
    const frame = createZstdDecompress({ chunkSize: 256 * 1024 });
    yield* piped(stream(rest), frame);
    if (frame.bytesWritten <= 0) throw new Error('an empty frame');
    at += frame.bytesWritten;
  }
}

async function* decodeBzip2({ fd, offset, size }: Extent): AsyncGenerator<Uint8Array, void, undefined> {
  if (size > 512 * 1024 * 1024) throw new Error('too large for bzip2');
  const { default: bunzip } = await import('seek-bzip');
  const packed = Buffer.alloc(size);
  readSync(fd, packed, 0, size, offset);
  yield bunzip.decode(packed, undefined, true);
}
