/**
 * The LZ4 frame format (lz4_Frame_format.md), one frame after the other; checksums are not looked at. Throws for what
 * is broken, or becomes larger than `limit`.
 */
export function inflateLz4(packed: Buffer, limit: number): Buffer {
  const blocks: Buffer[] = [];
  let total = 0;
  let at = 0;
  while (at + 7 <= packed.length && packed.readUInt32LE(at) === 0x184d2204) {
    const flags = packed.readUInt8(at + 4);
    const largest = 1 << (8 + 2 * ((packed.readUInt8(at + 5) >> 4) & 7));
    const independent = (flags & 0x20) !== 0;
    at += 7 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0);
    let window = Buffer.alloc(0);
    for (;;) {
      if (at + 4 > packed.length) throw new Error('truncated');
      const word = packed.readUInt32LE(at);
      at += 4;
      if (word === 0) break;
      const size = word & 0x7fffffff;
      if (at + size > packed.length) throw new Error('truncated');
      const data = packed.subarray(at, at + size);
      const block = word >>> 31 === 1 ? data : inflateBlock(data, largest, independent ? undefined : window);
      blocks.push(block);
      total += block.length;
      if (total > limit) throw new Error('too large');
      if (!independent) window = Buffer.concat([window, block]).subarray(-65536);
      at += size + ((flags & 16) !== 0 ? 4 : 0);
    }
    if ((flags & 4) !== 0) at += 4;
  }
  return Buffer.concat(blocks, total);
}

/** One block: literals, then a copy from what is there already, and so on. */
function inflateBlock(from: Buffer, largest: number, window: Buffer | undefined): Buffer {
  const before = window?.length ?? 0;
  const to = Buffer.allocUnsafe(before + largest);
  window?.copy(to);
  let out = before;
  let at = 0;
  while (at < from.length) {
    const token = from[at++] as number;
    let count = token >> 4;
    if (count === 15) {
      let more: number;
      do count += more = from[at++] ?? 0;
      while (more === 255);
    }
    if (at + count > from.length || out + count > to.length) throw new Error('broken block');
    // short runs by hand: a call costs more than they do
    if (count > 32) to.set(from.subarray(at, at + count), out);
    else for (let index = 0; index < count; index++) to[out + index] = from[at + index] as number;
    out += count;
    at += count;
    if (at >= from.length) break;
    const distance = (from[at] as number) | ((from[at + 1] ?? 0) << 8);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more: number;
      do length += more = from[at++] ?? 0;
      while (more === 255);
    }
    const source = out - distance;
    if (distance === 0 || source < 0 || out + length > to.length) throw new Error('broken block');
    if (length > 32 && distance >= length) to.copyWithin(out, source, source + length);
    else for (let index = 0; index < length; index++) to[out + index] = to[source + index] as number;
    out += length;
  }
  return to.subarray(before, out);
}
