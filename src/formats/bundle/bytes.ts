import { blocksOf, blockSize } from '../../roots/tar-block.ts';
import { BundleDamage } from './frame.ts';

/** A stream of bytes, taken piece by piece. */
export interface Bytes {
  /** How many have been taken. */
  count(): number;
  /** Exactly so many, in one piece. */
  take(size: number): Promise<Buffer>;
  /** Exactly so many, as they come. Must be read to its end before anything else is taken. */
  stream(size: number): AsyncGenerator<Buffer>;
  /** What fills the last block of something of this size: zeros. */
  skipPadding(size: number): Promise<void>;
  /** Reads the rest: another block of zeros, and what fills a record (10 KiB) up. */
  end(): Promise<void>;
}

/** Throws BundleDamage where the source ends before what is asked for. */
export function openBytes(source: AsyncIterable<unknown>): Bytes {
  const chunks = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let taken = 0;

  const some = async (most: number): Promise<Buffer | undefined> => {
    if (held.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return undefined;
      held = next.value as Buffer;
    }
    const piece = held.subarray(0, most);
    held = held.subarray(piece.length);
    taken += piece.length;
    return piece;
  };
  async function* stream(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0;) {
      const piece = await some(left);
      if (piece === undefined) throw new BundleDamage('the archive ends too early');
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
  const take = async (size: number): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of stream(size)) pieces.push(piece);
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  };
  return {
    count: () => taken,
    take,
    stream,
    async skipPadding(size) {
      checkZeros(await take(blocksOf(size) - size), 'what fills its last block is not empty');
    },
    async end() {
      const after = 'something follows the end of the archive';
      checkZeros(await take(blockSize), after);
      for (let left = 64 * 1024; ;) {
        const piece = await some(left + 1);
        if (piece === undefined) return;
        left -= piece.length;
        if (left < 0) throw new BundleDamage(after);
        checkZeros(piece, after);
      }
    },
  };
}

function checkZeros(bytes: Buffer, message: string): void {
  if (bytes.some((byte) => byte !== 0)) throw new BundleDamage(message);
}
