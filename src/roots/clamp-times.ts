import { readNumber } from './tar-block.ts';

const size = 512;

/**
 * The same tar, where what was made after a moment (milliseconds since the epoch: when the tree began to be laid) has
 * time 0. What a package brings keeps its time; what was generated has the time of the machine that did it, and two
 * builds of one lock would differ by nothing else. For archives whose times stand in their ustar headers.
 */
export async function* clampTimes(tar: AsyncIterable<Uint8Array>, after: number): AsyncGenerator<Uint8Array> {
  const header = Buffer.alloc(size);
  let filled = 0;
  let skip = 0;
  for await (const piece of tar) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      if (skip > 0) {
        const some = Math.min(skip, bytes.length - at);
        out.push(bytes.subarray(at, at + some));
        skip -= some;
        at += some;
        continue;
      }
      const some = Math.min(size - filled, bytes.length - at);
      bytes.copy(header, filled, at, at + some);
      filled += some;
      at += some;
      if (filled < size) continue;
      filled = 0;
      skip = contentOf(header);
      out.push(clamped(Buffer.from(header), after));
    }
    if (out.length > 0) yield out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
  }
  if (filled > 0) yield header.subarray(0, filled);
}

/** Bytes that follow a header, up to the next one. Only files and extended headers have any in what we write. */
function contentOf(header: Buffer): number {
  const type = header[156] ?? 0;
  const has = type === 0 || '07gxLK'.includes(String.fromCharCode(type));
  const length = has ? readNumber(header, 124, 12) : 0;
  return Math.ceil(length / size) * size;
}

function clamped(header: Buffer, after: number): Buffer {
  if (header[0] === 0) return header; // the end
  const time = readNumber(header, 136, 12);
  if (!(time * 1000 >= Math.floor(after / 1000) * 1000)) return header;
  header.write('00000000000\0', 136, 'latin1');
  header.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
