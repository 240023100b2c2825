import { tags, type Header } from '../header.ts';

/** One entry of a header that is made. */
export interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly data: Buffer;
}

/** Types of entries (rpm's lib/rpmtag.h). */
export const types = { int16: 3, int32: 4, text: 6, bytes: 7, texts: 8, translated: 9 } as const;

const alignments: Readonly<Record<number, number>> = { 3: 2, 4: 4, 5: 8 };

/** Magic of a header outside of a database: three bytes, a version, four reserved. */
export const headerMagic = Buffer.from('8eade80100000000', 'hex');

/** Whole numbers of 32 bits. */
export function int32(tag: number, values: readonly number[]): Entry {
  const data = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) data.writeUInt32BE(value >>> 0, index * 4);
  return { tag, type: types.int32, count: values.length, data };
}

/** Texts, of which the bytes are given as they are (latin1). */
export function texts(tag: number, values: readonly string[], type: number = types.texts): Entry {
  return { tag, type, count: values.length, data: Buffer.from(values.map((value) => `${value}\0`).join(''), 'utf8') };
}

/** Bytes. */
export function bytes(tag: number, data: Buffer): Entry {
  return { tag, type: types.bytes, count: data.length, data };
}

/** A header of these entries in one region: index, data and the region's trailer; without magic. */
export function buildHeader(entries: readonly Entry[], region: number = tags.immutable): Buffer {
  const sorted = entries.toSorted((a, b) => a.tag - b.tag);
  const index: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const entry of sorted) {
    const align = alignments[entry.type] ?? 1;
    const padding = (align - (offset % align)) % align;
    if (padding > 0) data.push(Buffer.alloc(padding));
    offset += padding;
    index.push(indexEntry(entry.tag, entry.type, offset, entry.count));
    data.push(entry.data);
    offset += entry.data.length;
  }
  const count = sorted.length + 1;
  const head = Buffer.alloc(8);
  head.writeUInt32BE(count, 0);
  head.writeUInt32BE(offset + 16, 4);
  const first = indexEntry(region, types.bytes, offset, 16);
  const trailer = indexEntry(region, types.bytes, -(count * 16), 16);
  return Buffer.concat([head, first, ...index, ...data, trailer]);
}

/** The entries of a header, without those that installing adds; regions are none. */
export function entriesOf(header: Header): Entry[] {
  const { blob } = header;
  const count = blob.readUInt32BE(0);
  const found: Entry[] = [];
  for (let index = 0; index < count; index++) {
    const tag = blob.readUInt32BE(8 + index * 16);
    const place = header.at(tag);
    if (place === undefined || (tag >= 61 && tag <= 63) || found.some((one) => one.tag === tag)) continue;
    const end = endOf(blob, place);
    found.push({ tag, type: place.type, count: place.count, data: Buffer.from(blob.subarray(place.offset, end)) });
  }
  return found;
}

function endOf(blob: Buffer, { offset, type, count }: { offset: number; type: number; count: number }): number {
  const width = [0, 1, 1, 2, 4, 8, 0, 1][type] ?? 0;
  if (width > 0 || type === 0) return offset + width * count;
  let end = offset;
  for (let left = type === 6 ? 1 : count; left > 0; left--) {
    const zero = blob.indexOf(0, end);
    if (zero === -1) return blob.length;
    end = zero + 1;
  }
  return end;
}

function indexEntry(tag: number, type: number, offset: number, count: number): Buffer {
  const entry = Buffer.alloc(16);
  entry.writeUInt32BE(tag, 0);
  entry.writeUInt32BE(type, 4);
  entry.writeInt32BE(offset, 8);
  entry.writeUInt32BE(count, 12);
  return entry;
}
