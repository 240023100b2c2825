import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { compressionOf, decompressFile } from './decompress.ts';
import { tarIndexer, type Instead } from './tar-index.ts';
import { readAll, tarView, type TarRoot } from './tar-view.ts';

export type { TarRoot } from './tar-view.ts';

interface TarRootOptions {
  /** Whose content is kept for `readFile`; default: all. Digests are there either way. */
  readonly keep?: (path: string, size: number) => boolean;
  /** Reads a file whose content was not kept. */
  readonly fetch?: (path: string) => Promise<Buffer>;
  /** What is there in place of the archive's own members. */
  readonly instead?: Instead;
  /** Whether md5 is taken, too; default: yes. Without it, it is made of the content when it is asked for. */
  readonly md5?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A tar as a root: read once, with sha256 and md5 of every file taken on the way. Either a file's name (it may be
 * compressed), or a stream of what is not compressed. Content is read from the tar itself where it
 * is a file that is not compressed, else from a temporary file that is gone when this process is.
 */
export async function tarRoot(
  source: string | AsyncIterable<Uint8Array>,
  label: string,
  options: TarRootOptions = {},
): Promise<TarRoot> {
  const named = typeof source === 'string' ? openTar(source) : undefined;
  const stream = named?.stream ?? (source as AsyncIterable<Uint8Array>);
  const plain = named?.descriptor;
  const descriptor = plain ?? openSpool();
  const indexer = tarIndexer({ descriptor, keep: options.keep ?? (() => true) }, options);
  try {
    await indexer.add(stream, plain === undefined ? undefined : { descriptor: plain, at: 0 });
    if (options.instead !== undefined) indexer.replace(options.instead);
    return tarView(indexer.index, label, () => closeSync(descriptor), options.fetch);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openTar(file: string): { stream: AsyncIterable<Uint8Array>; descriptor: number | undefined } {
  const descriptor = openSync(file, 'r');
  const start = Buffer.alloc(6);
  readSync(descriptor, start, 0, start.length, 0);
  if (compressionOf(start) === 'none') return { stream: piecesOf(descriptor), descriptor };
  closeSync(descriptor);
  return { stream: decompressFile(file), descriptor: undefined };
}

async function* piecesOf(descriptor: number): AsyncIterable<Buffer> {
  for (let at = 0; ;) {
    const piece = readAll({ descriptor, at }, 1024 * 1024);
    if (piece.length === 0) return;
    yield piece;
    at += piece.length;
  }
}

/** A file that has no name any more: nothing is left of it whatever becomes of this process. */
export function openSpool(): number {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-tar-'));
  try {
    return openSync(join(folder, 'content'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
