import { constants, createZstdCompress } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { PassThrough, Readable } from 'node:stream';

import { nameBytes } from '../../roots/names.ts';
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
    if (written % block > 0) yield Buffer.alloc(block - (written % block));
  }
  yield Buffer.alloc(2 * block);
}

/** One zstd frame: Node's own decompressor stops after the first. */
export function compress(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const out = new PassThrough();
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  // a failure of any part ends `out` with it, which is where it is read
  pipeline(Readable.from(stream), zstd, out).catch((error: Error) => out.destroy(error));
  return out as AsyncIterable<Uint8Array>;
}

const block = 512;
const kinds = { file: '0', link: '2', directory: '5' } as const;

function headersOf(entry: TreeEntry): Buffer {
  const name = nameBytes(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  const target = nameBytes(entry.target ?? '');
  const size = entry.type === 'file' ? (entry.size ?? 0) : 0;
  const extended: Buffer[] = [];
  if (name.length > 100) extended.push(record('path', name));
  if (target.length > 100) extended.push(record('linkpath', target));
  if (size > 0o77777777777) extended.push(record('size', Buffer.from(String(size))));
  if (entry.uid > 0o7777777) extended.push(record('uid', Buffer.from(String(entry.uid))));
  if (entry.gid > 0o7777777) extended.push(record('gid', Buffer.from(String(entry.gid))));
  if (entry.mtime < 0) extended.push(record('mtime', Buffer.from(String(entry.mtime))));
  const own = header(name, kinds[entry.type], { ...entry, size }, target);
  if (extended.length === 0) return own;
  const body = Buffer.concat(extended);
  const padding = Buffer.alloc((block - (body.length % block)) % block);
  const plain = { mode: 0o644, uid: 0, gid: 0, mtime: 0, size: body.length };
  return Buffer.concat([header(Buffer.from('pax'), 'x', plain, Buffer.alloc(0)), body, padding, own]);
}

function header(
  name: Buffer,
  kind: string,
  { mode, uid, gid, mtime, size }: Pick<TreeEntry, 'mode' | 'uid' | 'gid' | 'mtime'> & { readonly size: number },
  target: Buffer,
): Buffer {
  const bytes = Buffer.alloc(block);
  name.copy(bytes, 0, 0, 100);
  octal(bytes, mode, 100, 8);
  octal(bytes, uid > 0o7777777 ? 0 : uid, 108, 8);
  octal(bytes, gid > 0o7777777 ? 0 : gid, 116, 8);
  octal(bytes, size > 0o77777777777 ? 0 : size, 124, 12);
  octal(bytes, Math.min(Math.max(mtime, 0), 0o77777777777), 136, 12);
  bytes.fill(0x20, 148, 156);
  bytes.write(kind, 156);
  target.copy(bytes, 157, 0, 100);
  bytes.write('ustar\u000000', 257);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

function octal(bytes: Buffer, value: number, at: number, length: number): void {
  bytes.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
}

/** A pax record counts its own length, digits included. */
function record(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}
