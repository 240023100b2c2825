import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';

import type { Store } from '../../contract/index.ts';
import { byBytes, UserError, type ContentRef } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';

/** The name of a bundle's first member. */
export const specName = 'repronim.yaml';

/**
 * Writes a bundle: the spec, then the contents by their digests, each once. The same spec and contents give the same
 * bytes. The file is complete or not there. Throws a UserError that names what the store does not hold.
 */
export async function writeBundle(
  file: string,
  specText: string,
  contents: readonly ContentRef[],
  store: Store,
  options: { readonly signal?: AbortSignal } = {},
): Promise<{ readonly size: number; readonly members: number }> {
  const members = await findContents(contents, store);
  const spec = Buffer.from(specText);
  const sizes = [spec.length, ...members.map(({ size }) => size)];
  const total = sizes.reduce(
    (sum, size) => sum + fileHeader('', size).length + size + tarPadding(size).length,
    tarEnd.length,
  );
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${randomUUID().slice(0, 8)}`);
  try {
    const handle = await open(temporary, 'wx', 0o666);
    try {
      await pipeline(
        Readable.from(evenly(tarOf(spec, members)), { objectMode: false, highWaterMark: evenSize }),
        createZstdCompress({
          params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
          pledgedSrcSize: total,
        }),
        handle.createWriteStream({ flush: true }),
        ...(options.signal === undefined ? [] : [{ signal: options.signal }]),
      );
    } finally {
      await handle.close().catch(() => {}); // the stream may have closed it
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return { size: (await stat(file)).size, members: members.length + 1 };
}

interface Found extends ContentRef {
  readonly file: string;
}

async function findContents(contents: readonly ContentRef[], store: Store): Promise<readonly Found[]> {
  const digests = [...new Set(contents.map(({ sha256 }) => sha256))].toSorted(byBytes);
  const found: Found[] = [];
  const missing: string[] = [];
  for (const sha256 of digests) {
    const file = await store.find(sha256);
    // The size that counts is the file's: some locks name content by its digest alone.
    if (file === undefined) missing.push(sha256);
    else found.push({ sha256, file, size: (await stat(file)).size });
  }
  if (missing.length > 0) {
    throw new UserError(`cannot bundle: ${missing.length} of ${digests.length} contents are not in the store`, {
      hint: 'trace again with --bundle, or create the environment first, so that they are fetched',
      details: missing.map((sha256) => `sha256:${sha256}`),
    });
  }
  return found;
}

async function* tarOf(spec: Buffer, members: readonly Found[]): AsyncGenerator<Buffer> {
  yield fileHeader(specName, spec.length);
  yield spec;
  yield tarPadding(spec.length);
  for (const { sha256, size, file } of members) {
    yield fileHeader(`sha256/${sha256}`, size);
    let seen = 0;
    for await (const chunk of createReadStream(file, { highWaterMark: evenSize })) {
      seen += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (seen !== size) throw new UserError(`sha256:${sha256} changed in the store while it was bundled`);
    yield tarPadding(size);
  }
  yield tarEnd;
}

/** A regular file: mode 0644, root's, of no time. */
function fileHeader(name: string, size: number): Buffer {
  return encodeHeader({ name, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtimeMs: 0 });
}

const evenSize = 256 * 1024;

/** The compressor's output depends on how its input is cut: always in the same pieces. */
async function* evenly(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(evenSize);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(piece, filled, at);
      at += copied;
      filled += copied;
      if (filled < evenSize) continue;
      yield piece;
      piece = Buffer.allocUnsafe(evenSize);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
