import { decodeName } from '../../roots/names.ts';

/**
 * A header of rpm's, as it lies in its database and in .rpm files (rpm's docs/manual/format_header.md): a table of
 * tags, and their data. Everything in it is a stranger's: what is out of bounds is not there.
 */
export interface Header {
  /** The first text of a tag; undefined where it has none. */
  text(tag: number): string | undefined;
  /** All texts of a tag. */
  texts(tag: number): readonly string[];
  /** Whole numbers of a tag, 8 to 64 bits wide. */
  numbers(tag: number): readonly number[];
  bytes(tag: number): Buffer | undefined;
  has(tag: number): boolean;
  /** Where the data of a tag lies in `blob`, for those who change it. */
  at(tag: number): { readonly offset: number; readonly type: number; readonly count: number } | undefined;
  /** The index and the data, without magic. */
  readonly blob: Buffer;
}

export const tags = {
  immutable: 63,
  sigMd5: 261,
  rsaHeader: 268,
  sha1Header: 269,
  sha256Header: 273,
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  summary: 1004,
  description: 1005,
  installTime: 1008,
  vendor: 1011,
  os: 1021,
  architecture: 1022,
  fileSizes: 1028,
  fileStates: 1029,
  fileModes: 1030,
  fileTimes: 1034,
  fileDigests: 1035,
  fileLinks: 1036,
  fileFlags: 1037,
  fileUsers: 1039,
  fileGroups: 1040,
  sourceRpm: 1044,
  fileVerify: 1045,
  provides: 1047,
  requireFlags: 1048,
  requires: 1049,
  requireVersions: 1050,
  obsoletes: 1090,
  fileInodes: 1096,
  fileDevices: 1095,
  provideFlags: 1112,
  provideVersions: 1113,
  directoryIndexes: 1116,
  baseNames: 1117,
  directoryNames: 1118,
  payloadFormat: 1124,
  payloadCompressor: 1125,
  longFileSizes: 5008,
  fileCapabilities: 5010,
  digestAlgorithm: 5011,
  payloadDigests: 5092,
  modularityLabel: 5096,
  payloadDigestAlt: 5097,
} as const;

/** Widths of the types: null, char, int8, int16, int32, int64, string, bytes, strings, translated strings. */
const widths: readonly number[] = [0, 1, 1, 2, 4, 8, 0, 1, 0, 0];
const mostEntries = 65_536;
const mostItems = 16 * 1024 * 1024;

interface IndexEntry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** Reads a header; undefined where it is none. `blob` may be longer than the header. */
export function parseHeader(blob: Buffer): Header | undefined {
  if (blob.length < 8) return undefined;
  const entries = blob.readUInt32BE(0);
  const size = blob.readUInt32BE(4);
  const start = 8 + entries * 16;
  if (entries === 0 || entries > mostEntries || start + size > blob.length) return undefined;
  const index = new Map<number, IndexEntry>();
  const end = start + size;
  for (let at = 8; at < start; at += 16) {
    const tag = blob.readUInt32BE(at);
    const entry = { type: blob.readUInt32BE(at + 4), offset: start + blob.readUInt32BE(at + 8) };
    const count = blob.readUInt32BE(at + 12);
    if (entry.type > 9 || entry.offset > end || count > mostItems) continue;
    if (entry.offset + (widths[entry.type] ?? 0) * count > end) continue;
    if (!index.has(tag)) index.set(tag, { ...entry, count });
  }
  return {
    blob: blob.subarray(0, end),
    has: (tag) => index.has(tag),
    at: (tag) => index.get(tag),
    text: (tag) => readTexts(blob, end, index.get(tag), 1)[0],
    texts: (tag) => readTexts(blob, end, index.get(tag), mostItems),
    numbers: (tag) => readNumbers(blob, index.get(tag)),
    bytes(tag) {
      const entry = index.get(tag);
      if (entry === undefined || (widths[entry.type] ?? 0) !== 1) return undefined;
      return blob.subarray(entry.offset, entry.offset + entry.count);
    },
  };
}

/**
 * The header as its .rpm has it, out of the database's copy, to which installing has added tags: the region that the
 * entry `immutable` tells of. Undefined where there is none, or it is out of bounds.
 */
export function originalHeader(header: Header): Buffer | undefined {
  const { blob } = header;
  const entries = blob.readUInt32BE(0);
  const start = 8 + entries * 16;
  if (blob.readUInt32BE(8) !== tags.immutable || blob.readUInt32BE(12) !== 7 || blob.readUInt32BE(20) !== 16) {
    return undefined;
  }
  const trailer = start + blob.readUInt32BE(16);
  if (trailer + 16 > blob.length) return undefined;
  const length = -blob.readInt32BE(trailer + 8);
  if (length <= 0 || length % 16 !== 0 || length / 16 > entries) return undefined;
  const data = blob.subarray(start, trailer + 16);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(length / 16, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, blob.subarray(8, 8 + length), data]);
}

function readTexts(blob: Buffer, end: number, entry: IndexEntry | undefined, most: number): string[] {
  if (entry === undefined || (entry.type !== 6 && entry.type !== 8 && entry.type !== 9)) return [];
  const found: string[] = [];
  const count = Math.min(entry.type === 6 ? 1 : entry.count, most);
  for (let at = entry.offset; found.length < count && at < end;) {
    const zero = blob.indexOf(0, at);
    const stop = zero === -1 || zero > end ? end : zero;
    found.push(textOf(blob, at, stop));
    at = stop + 1;
  }
  return found;
}

function textOf(blob: Buffer, start: number, end: number): string {
  // nearly all are ASCII, and latin1 is the quick way
  const text = blob.toString('latin1', start, end);
  // oxlint-disable-next-line no-control-regex
  return /^[\0-\u{7f}]*$/u.test(text) ? text : decodeName(blob.subarray(start, end));
}

function readNumbers(blob: Buffer, entry: IndexEntry | undefined): number[] {
  if (entry === undefined || entry.type < 1 || entry.type > 5) return [];
  const { type, offset, count } = entry;
  const numbers: number[] = [];
  for (let index = 0; index < count; index++) {
    if (type < 3) numbers.push(blob[offset + index] ?? 0);
    else if (type === 3) numbers.push(blob.readUInt16BE(offset + index * 2));
    else if (type === 4) numbers.push(blob.readUInt32BE(offset + index * 4));
    else numbers.push(Number(blob.readBigUInt64BE(offset + index * 8)));
  }
  return numbers;
}
