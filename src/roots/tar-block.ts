/**
 * What is common to all who read tars: pax(1), and GNU's additions to it
 * (https://www.gnu.org/software/tar/manual/html_node/Standard.html). Nothing here throws: whoever reads says what was
 * wrong, and where.
 */

/** Headers and contents fill blocks of so many bytes. */
export const blockSize = 512;

/** How many bytes of blocks a content of this size takes. */
export function blocksOf(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

/** Whether it is one of the two that end a tar. */
export function isZeroBlock(block: Buffer): boolean {
  for (let index = 0; index < blockSize; index += 1) if (block[index] !== 0) return false;
  return true;
}

/** Whether the block's own checksum is right. */
export function isSumRight(block: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let index = 0; index < 148; index += 1) sum += block[index] ?? 0;
  for (let index = 156; index < blockSize; index += 1) sum += block[index] ?? 0;
  return readNumber(block, 148, 8) === sum;
}

/** A number of a header: octal digits, or two's complement where the first bit is set. NaN for what is neither. */
export function readNumber(block: Buffer, from: number, length: number): number {
  const first = block[from] ?? 0;
  if (first >= 0x80) {
    let value = (first & 0x40) === 0 ? first & 0x3f : (first & 0x3f) - 0x40;
    for (let index = from + 1; index < from + length; index += 1) value = value * 256 + (block[index] ?? 0);
    return Number.isSafeInteger(value) ? value : Number.NaN;
  }
  let value = 0;
  let digits = 0;
  for (let index = from; index < from + length; index += 1) {
    const byte = block[index] ?? 0;
    if (byte === 0x20 && digits === 0) continue;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return Number.NaN;
    value = value * 8 + byte - 0x30;
    digits += 1;
  }
  return value;
}

/** The name in a header. GNU's have other things where ustar has the prefix. */
export function readName(block: Buffer): Buffer {
  const name = untilNul(block.subarray(0, 100));
  if (block[345] === 0 || block.toString('latin1', 257, 263) !== 'ustar\0') return name;
  return Buffer.concat([untilNul(block.subarray(345, 500)), Buffer.from('/'), name]);
}

export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** The records of a pax header, `LENGTH KEY=VALUE\n` again and again, values as bytes. Undefined where it is broken. */
export function readRecords(body: Buffer): ReadonlyMap<string, Buffer> | undefined {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    if (space <= at || space - at > 16) return undefined;
    const length = readDecimal(body.subarray(at, space));
    const end = at + length;
    const equals = body.indexOf(0x3d, space);
    if (!(end <= body.length) || equals <= space + 1 || equals >= end || body[end - 1] !== 0x0a) return undefined;
    records.set(body.toString('utf8', space + 1, equals), body.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** A whole number in decimal digits; NaN for anything else. */
export function readDecimal(digits: Buffer): number {
  const text = digits.toString('latin1');
  return /^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : Number.NaN;
}
