import { decodeName } from '../../roots/names.ts';
import { readEwah } from './ewah.ts';

/** One entry of git's index. */
export interface IndexEntry {
  /** Relative to the work tree. */
  readonly path: string;
  /** As git has it: 0o100644, 0o100755, 0o120000 (link), 0o160000 (submodule), 0o040000 (a folder of a sparse index). */
  readonly mode: number;
  /** Object id, hexadecimal. */
  readonly id: string;
  /** 0, or 1 to 3 in a conflict. */
  readonly stage: number;
  /** Git was told not to look at the file (`update-index --assume-unchanged`). */
  readonly assumed: boolean;
  /** Not in the work tree (sparse checkout). */
  readonly skipped: boolean;
  /** Only announced (`add --intent-to-add`). */
  readonly announced: boolean;
}

export interface IndexFile {
  readonly entries: readonly IndexEntry[];
  /** The id of the shared index that this one stands on (a split index); its entries are not in `entries` yet. */
  readonly shared?: string;
  /** Merges the shared index's entries with this one's; as it is without one. */
  merge(shared: readonly IndexEntry[]): readonly IndexEntry[];
}

/**
 * Reads an index of version 2, 3 or 4 (gitformat-index(5)); extensions that don't change which files are tracked are
 * passed over. Undefined where it is not an index or is cut off.
 */
export function parseIndex(bytes: Buffer, idLength: 20 | 32): IndexFile | undefined {
  if (bytes.length < 12 + idLength || bytes.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  try {
    const { entries, end } = readEntries(bytes, version, idLength);
    const link = findExtension(bytes, 'link', end, idLength);
    if (link === undefined) return { entries, merge: () => entries };
    const shared = link.toString('hex', 0, idLength);
    if (/^0*$/.test(shared)) return { entries, merge: () => entries };
    return { entries, shared, merge: (base) => mergeSplit(base, entries, link.subarray(idLength)) };
  } catch (error) {
    if (error instanceof RangeError) return undefined; // cut off
    throw error;
  }
}

function readEntries(bytes: Buffer, version: number, idLength: number): { entries: IndexEntry[]; end: number } {
  const count = bytes.readUInt32BE(8);
  const entries: IndexEntry[] = [];
  let at = 12;
  let last: Buffer = Buffer.alloc(0);
  for (let number = 0; number < count; number += 1) {
    const start = at;
    const mode = bytes.readUInt32BE(at + 24);
    const id = bytes.toString('hex', at + 40, at + 40 + idLength);
    at += 40 + idLength;
    const flags = bytes.readUInt16BE(at);
    at += 2;
    const more = (flags & 0x4000) === 0 ? 0 : bytes.readUInt16BE(at);
    if ((flags & 0x4000) !== 0) at += 2;
    let name: Buffer;
    if (version === 4) {
      const [strip, next] = readOffset(bytes, at);
      const end = zeroAfter(bytes, next);
      if (strip > last.length) throw new RangeError('prefix');
      name = Buffer.concat([last.subarray(0, last.length - strip), bytes.subarray(next, end)]);
      at = end + 1;
      last = name;
    } else {
      const end = zeroAfter(bytes, at);
      name = bytes.subarray(at, end);
      at = start + ((end - start + 8) & ~7);
    }
    entries.push({
      path: toName(name),
      mode,
      id,
      stage: (flags >> 12) & 3,
      assumed: (flags & 0x8000) !== 0,
      skipped: (more & 0x4000) !== 0,
      announced: (more & 0x2000) !== 0,
    });
  }
  return { entries, end: at };
}

function zeroAfter(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(0, at);
  if (end === -1) throw new RangeError('name');
  return end;
}

function toName(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  return name.includes('\u{fffd}') ? decodeName(bytes) : name;
}

/** The "offset encoding" of pack files: seven bits a byte, each continuation adds one. */
function readOffset(bytes: Buffer, start: number): [value: number, next: number] {
  let at = start;
  let byte = bytes.readUInt8(at++);
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    byte = bytes.readUInt8(at++);
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return [value, at];
}

function findExtension(bytes: Buffer, wanted: string, start: number, idLength: number): Buffer | undefined {
  for (let at = start; at + 8 <= bytes.length - idLength;) {
    const size = bytes.readUInt32BE(at + 4);
    if (bytes.toString('latin1', at, at + 4) === wanted) return bytes.subarray(at + 8, at + 8 + size);
    at += 8 + size;
  }
  return undefined;
}

/** A split index says by position which shared entries are gone and which are replaced; the rest of its own are new. */
function mergeSplit(shared: readonly IndexEntry[], own: readonly IndexEntry[], bitmaps: Buffer): readonly IndexEntry[] {
  if (bitmaps.length === 0) return own.length === 0 ? shared : [...shared, ...own].sort(byName);
  const gone = readEwah(bitmaps, 0);
  const replaced = readEwah(bitmaps, gone.end);
  const merged: IndexEntry[] = [];
  let next = 0;
  for (const [position, entry] of shared.entries()) {
    const replacement = replaced.bits.has(position) ? own[next++] : undefined;
    if (gone.bits.has(position)) continue;
    merged.push(replacement === undefined ? entry : { ...replacement, path: entry.path });
  }
  return [...merged, ...own.slice(next)].sort(byName);
}

function byName(a: IndexEntry, b: IndexEntry): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : a.stage - b.stage;
}
