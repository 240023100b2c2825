import { crc32 } from 'node:zlib';

const headerMagic = Buffer.from('fd377a585a00', 'hex');
const footerMagic = Buffer.from('YZ');
/** Kinds of checks that our decoder knows: none, CRC32, CRC64. */
const known: readonly number[] = [0, 1, 4];

/**
 * An .xz stream whose blocks have no check of their own, where it has one that our decoder does not know: rpm's have
 * SHA-256. (What is in the store was checked whole.) See the .xz file format, version 1.2.0. What can't be followed is
 * returned as it is.
 */
export function withoutChecks(stream: Buffer): Buffer {
  const kind = stream[7] ?? 0;
  if (stream.length < 24 || !stream.subarray(0, 6).equals(headerMagic) || known.includes(kind)) return stream;
  const checkSize = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64][kind & 15] ?? 0;
  const parts: Buffer[] = [headerMagic, withCrc(Buffer.of(0, 0))];
  const records: (readonly [unpadded: number, size: number])[] = [];
  let at = 12;
  while (at < stream.length && stream[at] !== 0) {
    const headerSize = ((stream[at] ?? 0) + 1) * 4;
    const data = walk(stream, at + headerSize);
    if (data === undefined) return stream;
    const length = data.end - at;
    parts.push(stream.subarray(at, data.end), Buffer.alloc((4 - (length % 4)) % 4));
    records.push([length, data.size]);
    at = data.end + ((4 - (length % 4)) % 4) + checkSize;
  }
  const index = [
    Buffer.of(0),
    number(records.length),
    ...records.flatMap(([unpadded, size]) => [number(unpadded), number(size)]),
  ];
  const body = Buffer.concat(index);
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const footer = Buffer.alloc(6);
  footer.writeUInt32LE((padded.length + 4) / 4 - 1, 0);
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(footer));
  return Buffer.concat([...parts, withCrc(padded), crc, footer, footerMagic]);
}

/** Where the LZMA2 chunks that begin here end, and what they unpack to. */
function walk(stream: Buffer, start: number): { readonly end: number; readonly size: number } | undefined {
  let at = start;
  let size = 0;
  while (at < stream.length) {
    const control = stream[at] ?? 0;
    if (control === 0) return { end: at + 1, size };
    if (at + 6 > stream.length) return undefined;
    if (control < 0x80) {
      if (control > 2) return undefined;
      const length = stream.readUInt16BE(at + 1) + 1;
      size += length;
      at += 3 + length;
    } else {
      size += ((control & 0x1f) << 16) + stream.readUInt16BE(at + 1) + 1;
      at += (control >= 0xc0 ? 6 : 5) + stream.readUInt16BE(at + 3) + 1;
    }
  }
  return undefined;
}

function withCrc(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, crc]);
}

/** Seven bits a byte, the lowest first. */
function number(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Buffer.of(...bytes, left);
}
