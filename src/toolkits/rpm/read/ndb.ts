/**
 * The headers in a `Packages.db` (rpm's lib/backend/ndb/rpmpkg.c): slots of 16 bytes say in which blocks of 16 bytes
 * each package's blob is. Throws where it is none; blobs that are out of bounds are left out, and counted.
 */
export function readNdb(file: Buffer): { readonly blobs: Buffer[]; readonly broken: number } {
  if (file.length < 4096 || file.toString('latin1', 0, 4) !== 'RpmP') throw new Error('it is no ndb database');
  const pages = file.readUInt32LE(12);
  const end = Math.min(pages * 4096, file.length);
  const slots: { readonly index: number; readonly offset: number; readonly size: number }[] = [];
  let broken = 0;
  for (let at = 32; at + 16 <= end; at += 16) {
    if (file.toString('latin1', at, at + 4) !== 'Slot') continue;
    const index = file.readUInt32LE(at + 4);
    const offset = file.readUInt32LE(at + 8) * 16;
    const size = file.readUInt32LE(at + 12) * 16;
    if (index === 0 || size === 0) continue; // a free slot
    if (offset + size > file.length) broken++;
    else slots.push({ index, offset, size });
  }
  slots.sort((a, b) => a.index - b.index);
  const blobs: Buffer[] = [];
  for (const { index, offset, size } of slots) {
    const length = file.readUInt32LE(offset + 12);
    const isBlob =
      file.toString('latin1', offset, offset + 4) === 'BlbS' &&
      file.readUInt32LE(offset + 4) === index &&
      length + 28 <= size;
    if (isBlob) blobs.push(file.subarray(offset + 16, offset + 16 + length));
    else broken++;
  }
  return { blobs, broken };
}
