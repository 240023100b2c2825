import { constants, createZstdCompress } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { PassThrough, Readable } from 'node:stream';

import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';
import type { TreeEntry } from './entries.ts';

/** A member of an archive, and its bytes: exactly `size` of them for a file. */
export interface TarMember {
  readonly entry: TreeEntry;
  readonly content?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * A POSIX pax archive (ustar, extended headers only where a field does not hold its value) of members in the order
 * given. The same members are the same bytes. Names are written as the bytes that they are.
 */
export async function* writeTar(members: AsyncIterable<TarMember> | Iterable<TarMember>): AsyncGenerator<Uint8Array> {
  for await (const { entry, content } of members) {
    yield headersOf(entry);
    if (entry.type !== 'file') continue;
    let written = 0;
    for await (const chunk of content ?? []) {
      written += chunk.length;
      if (written > (entry.size ?? 0)) break;
      yield chunk;
    }
    if (written !== (entry.size ?? 0)) throw new Error(`${entry.path} changed while it was packed`);
    yield tarPadding(written);
  }
  yield tarEnd;
}

/** One zstd frame: Node's own decompressor stops after the first. */
export function compress(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const out = new PassThrough();
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  // a failure of any part ends `out` with it, which is where it is read
  pipeline(Readable.from(stream), zstd, out).catch((error: Error) => out.destroy(error));
  return out as AsyncIterable<Uint8Array>;
}

function headersOf({ path, mtime, ...entry }: TreeEntry): Buffer {
  return encodeHeader({
    ...entry,
    name: path,
    mtimeMs: mtime * 1000,
    size: entry.type === 'file' ? (entry.size ?? 0) : 0,
  });
}
