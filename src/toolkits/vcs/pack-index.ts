/** Where the objects of one pack lie (gitformat-pack(5), ".idx", version 2). */
export interface PackIndex {
  /** The offset of an object in the pack; undefined where it is not in it. */
  find(id: string): number | undefined;
}

/** Reads a pack's index; undefined where it is none, or is cut off. */
export function parsePackIndex(bytes: Buffer, idLength: 20 | 32): PackIndex | undefined {
  if (bytes.length < 8 + 1024 || bytes.readUInt32BE(0) !== 0xff744f63 || bytes.readUInt32BE(4) !== 2) return undefined;
  const fan = (byte: number) => (byte < 0 ? 0 : bytes.readUInt32BE(8 + 4 * byte));
  const count = fan(255);
  const ids = 8 + 1024;
  const offsets = ids + count * (idLength + 4);
  const large = offsets + count * 4;
  if (bytes.length < large + 2 * idLength) return undefined;
  return {
    find(id) {
      const wanted = Buffer.from(id, 'hex');
      if (wanted.length !== idLength) return undefined;
      let low = fan((wanted[0] ?? 0) - 1);
      let high = Math.min(fan(wanted[0] ?? 0), count);
      while (low < high) {
        const middle = (low + high) >> 1;
        const order = wanted.compare(bytes, ids + middle * idLength, ids + (middle + 1) * idLength);
        if (order === 0) return offsetAt(bytes, offsets + middle * 4, large, bytes.length - 2 * idLength);
        if (order < 0) high = middle;
        else low = middle + 1;
      }
      return undefined;
    },
  };
}

/** Offsets from 2 GiB on stand in a table of their own. */
function offsetAt(bytes: Buffer, at: number, large: number, end: number): number | undefined {
  const offset = bytes.readUInt32BE(at);
  if (offset < 2 ** 31) return offset;
  const place = large + (offset - 2 ** 31) * 8;
  return place + 8 > end ? undefined : Number(bytes.readBigUInt64BE(place));
}
