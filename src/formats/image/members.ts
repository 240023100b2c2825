import { createReadStream } from 'node:fs';

import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';

/** One file of an archive: bytes, or a file of this machine of which that many are taken. */
export interface ArchiveFile {
  readonly name: string;
  readonly content: Buffer | { readonly file: string; readonly size: number };
}

/** A tar of plain files with nothing in it that a machine or a moment would make different. */
export async function* writeMembers(files: Iterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  for (const { name, content } of files) {
    const size = Buffer.isBuffer(content) ? content.length : content.size;
    yield encodeHeader({ name, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtimeMs: 0 });
    if (Buffer.isBuffer(content)) yield content;
    else if (size > 0) yield* createReadStream(content.file, { end: size - 1, highWaterMark: 1024 * 1024 });
    yield tarPadding(size);
  }
  yield tarEnd;
}
