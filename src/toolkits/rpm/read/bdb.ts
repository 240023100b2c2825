/** Offsets and types of Berkeley DB's hash pages (src/dbinc/db_page.h, hash_am). */
const hashMagic = 0x061561;
const hashPages: readonly number[] = [2, 13];
const overflowPage = 7;
const [keyData, offPage] = [1, 3];
const largest = 512 * 1024 * 1024;

/**
 * The headers in a `Packages` of Berkeley DB: a hash whose values lie in chains of overflow pages. Its own byte order
 * is told by the magic. Throws where it is none; values that can't be followed are left out, and counted.
 */
export function readBdb(file: Buffer): { readonly blobs: Buffer[]; readonly broken: number } {
  if (file.length < 512) throw new Error('it is no Berkeley DB');
  const little = file.readUInt32LE(12) === hashMagic;
  if (!little && file.readUInt32BE(12) !== hashMagic) throw new Error('it is no Berkeley DB hash');
  const long = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const short = (at: number) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const pageSize = long(20);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) throw new Error('its pages are broken');
  const pages = Math.floor(file.length / pageSize);
  const found: { readonly key: number; readonly blob: Buffer }[] = [];
  let broken = 0;
  let taken = 0;

  const follow = (first: number, length: number): Buffer | undefined => {
    if (length > largest || length > file.length) return undefined;
    const parts: Buffer[] = [];
    let left = length;
    // as many pages as there are at most: chains may go round
    for (let number = first, steps = 0; left > 0 && steps < pages; steps++) {
      if (number === 0 || number >= pages) return undefined;
      const at = number * pageSize;
      const size = Math.min(short(at + 22), pageSize - 26, left);
      if (file[at + 25] !== overflowPage || size === 0) return undefined;
      parts.push(file.subarray(at + 26, at + 26 + size));
      left -= size;
      number = long(at + 16);
    }
    return left === 0 ? Buffer.concat(parts) : undefined;
  };

  for (let number = 1; number < pages; number++) {
    const at = number * pageSize;
    if (!hashPages.includes(file[at + 25] ?? 0)) continue;
    const entries = Math.min(short(at + 20), Math.floor((pageSize - 26) / 2));
    const item = (index: number) => {
      const offset = short(at + 26 + index * 2);
      const end = index === 0 ? pageSize : short(at + 26 + (index - 1) * 2);
      return offset < 26 || end > pageSize || offset + 1 > end ? undefined : { offset: at + offset, end: at + end };
    };
    for (let index = 1; index < entries; index += 2) {
      const [name, value] = [item(index - 1), item(index)];
      if (name === undefined || value === undefined) {
        broken++;
        continue;
      }
      const key = name.end - name.offset >= 5 ? long(name.offset + 1) : 0;
      if (key === 0) continue; // where the next package's number is kept
      const type = file[value.offset];
      let blob: Buffer | undefined;
      if (type === keyData) blob = file.subarray(value.offset + 1, value.end);
      else if (type === offPage && value.end - value.offset >= 12) {
        blob = follow(long(value.offset + 4), long(value.offset + 8));
      }
      taken += blob?.length ?? 0;
      // entries that share one chain could make much of little
      if (blob === undefined || taken > 2 * file.length) broken++;
      else found.push({ key, blob });
    }
  }
  found.sort((a, b) => a.key - b.key);
  return { blobs: found.map(({ blob }) => blob), broken };
}
