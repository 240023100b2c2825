const mostBits = 2 ** 22;

/**
 * A compressed bitmap as git stores it (gitformat-bitmap(5), "ewah"): number of bits, number of 64-bit words, the
 * words, and the position of the last run word. A run word says how many words of one bit follow (bit 0: which bit,
 * bits 1–32: how many), and how many words are written out after it (bits 33–63).
 *
 * Throws RangeError where it is cut off, or has more bits than any index has entries: a few bytes can stand for many.
 */
export function readEwah(bytes: Buffer, start: number): { readonly bits: ReadonlySet<number>; readonly end: number } {
  const size = bytes.readUInt32BE(start);
  const words = bytes.readUInt32BE(start + 4);
  if (size > mostBits) throw new RangeError(`a bitmap of ${size} bits`);
  const first = start + 8;
  const bits = new Set<number>();
  let position = 0;
  for (let word = 0; word < words && position < size;) {
    const run = bytes.readBigUInt64BE(first + 8 * word);
    word += 1;
    const length = Number((run >> 1n) & 0xffffffffn) * 64;
    if ((run & 1n) === 1n) for (let bit = 0; bit < length && position + bit < size; bit += 1) bits.add(position + bit);
    position += length;
    for (let literal = Number(run >> 33n); literal > 0 && position < size; literal -= 1, word += 1, position += 64) {
      const value = bytes.readBigUInt64BE(first + 8 * word);
      for (let bit = 0; bit < 64; bit += 1) if (((value >> BigInt(bit)) & 1n) === 1n) bits.add(position + bit);
    }
  }
  return { bits, end: first + 8 * words + 4 };
}
