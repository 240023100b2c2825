import { blocksOf, isZeroBlock, readNumber, blockSize } from '../../roots/tar-block.ts';
import { tarEnd } from '../../roots/tar-header.ts';

/** Part of a tar that is a tar itself. It is read whole before the next one is asked for. */
export interface Piece {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** How many members of the whole are in this and those before, once it is read; absent in the last, of folders only. */
  upTo(): number | undefined;
}

/** A piece ends after the member in which it gets this large. */
const pieceSize = 32 * 1024 * 1024;
/** Bytes are given in such portions: headers are small. */
const portion = 256 * 1024;

/**
 * Cuts a tar into tars of whole members, and leaves out as many members as are there already. The last piece has all
 * folders once more: their times and modes change while later pieces put something into them.
 */
export async function* cutTar(tar: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Piece> {
  const parts = partsOf(tar);
  const folders: Buffer[] = [];
  let members = 0;
  let isDone = false;
  const read = async function* (): AsyncIterable<Uint8Array> {
    let size = 0;
    let waiting: Buffer[] = [];
    let held = 0;
    while (size < pieceSize) {
      const { value: part, done } = await parts.next();
      if (done === true) {
        isDone = true;
        break;
      }
      if (members >= skip) {
        waiting.push(part.bytes);
        held += part.bytes.length;
        // a member that has begun goes on, however large
        if (part.ends) size += part.size;
      }
      if (part.ends) members += 1;
      if (part.folder !== undefined) folders.push(part.folder);
      if (held < portion) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      held = 0;
    }
    yield Buffer.concat([...waiting, tarEnd]);
  };
  while (!isDone) yield { bytes: read(), upTo: () => members };
  yield { bytes: portions([...folders, tarEnd]), upTo: () => undefined };
}

async function* portions(buffers: readonly Buffer[]): AsyncIterable<Uint8Array> {
  for (let at = 0; at < buffers.length; at += 256) yield Buffer.concat(buffers.slice(at, at + 256));
}

interface Part {
  readonly bytes: Buffer;
  /** Whether a member ends with it: its headers, extended ones included, and its content. */
  readonly ends: boolean;
  /** Of the whole member that ends. */
  readonly size: number;
  /** The whole member, where it is a folder. */
  readonly folder?: Buffer;
}

/** The members of a tar that we have written ourselves, in parts. */
async function* partsOf(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Part, undefined> {
  let header: Buffer = Buffer.alloc(0);
  let extended: Buffer[] = [];
  let missing = 0;
  let size = 0;
  let isExtended = false;
  for await (const chunk of tar) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < bytes.length;) {
      let folder: Buffer | undefined;
      let given: Buffer;
      if (missing === 0) {
        const take = Math.min(blockSize - header.length, bytes.length - at);
        header = Buffer.concat([header, bytes.subarray(at, at + take)]);
        at += take;
        if (header.length < blockSize) continue;
        if (isZeroBlock(header)) return undefined;
        const kind = String.fromCharCode(header[156] ?? 0);
        missing = '07\0xgLK'.includes(kind) ? blocksOf(readNumber(header, 124, 12)) : 0;
        isExtended = 'xgLK'.includes(kind);
        if (kind === '5') folder = Buffer.concat([...extended, header]);
        given = header;
        header = Buffer.alloc(0);
      } else {
        const take = Math.min(missing, bytes.length - at);
        given = Buffer.from(bytes.subarray(at, at + take));
        missing -= take;
        at += take;
      }
      size += given.length;
      if (isExtended) extended.push(given);
      const ends = missing === 0 && !isExtended;
      yield { bytes: given, ends, size, ...(folder === undefined ? {} : { folder }) };
      if (!ends) continue;
      size = 0;
      extended = [];
    }
  }
  return undefined;
}
