import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A database of rpm's with these headers, as rpm's lib/backend writes it; `bdb` as rpm did up to 4.16. */
export const rpmDatabases: Readonly<
  Record<'sqlite' | 'ndb' | 'bdb', { readonly file: string; of(blobs: readonly Buffer[]): Buffer }>
> = {
  sqlite: { file: 'rpmdb.sqlite', of: toSqlite },
  ndb: { file: 'Packages.db', of: toNdb },
  bdb: { file: 'Packages', of: toBdb },
};

function toSqlite(blobs: readonly Buffer[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-test-'));
  try {
    const file = join(folder, 'database');
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)');
    const insert = database.prepare('INSERT INTO Packages (blob) VALUES (?)');
    database.exec('BEGIN');
    for (const blob of blobs) insert.run(blob);
    database.exec('COMMIT');
    database.close();
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** rpmpkg.c: 4 KiB of slots of 16 bytes, then blobs in blocks of 16 bytes. */
function toNdb(blobs: readonly Buffer[]): Buffer {
  const pages = Math.ceil(((blobs.length + 2) * 16) / 4096);
  const slots = Buffer.alloc(pages * 4096);
  slots.write('RpmP', 0, 'latin1');
  slots.writeUInt32LE(1, 8);
  slots.writeUInt32LE(pages, 12);
  slots.writeUInt32LE(blobs.length + 1, 16);
  for (let at = 32; at < slots.length; at += 16) slots.write('Slot', at, 'latin1');
  const parts: Buffer[] = [slots];
  let block = slots.length / 16;
  for (const [index, blob] of blobs.entries()) {
    const blocks = Math.ceil((blob.length + 28) / 16);
    const at = 32 + index * 16;
    slots.writeUInt32LE(index + 1, at + 4);
    slots.writeUInt32LE(block, at + 8);
    slots.writeUInt32LE(blocks, at + 12);
    const whole = Buffer.alloc(blocks * 16);
    whole.write('BlbS', 0, 'latin1');
    whole.writeUInt32LE(index + 1, 4);
    whole.writeUInt32LE(1, 8);
    whole.writeUInt32LE(blob.length, 12);
    blob.copy(whole, 16);
    whole.writeUInt32LE(adler32(whole.subarray(0, whole.length - 12)), whole.length - 12);
    whole.writeUInt32LE(blob.length, whole.length - 8);
    whole.write('BlbE', whole.length - 4, 'latin1');
    parts.push(whole);
    block += blocks;
  }
  return Buffer.concat(parts);
}

/** One bucket whose pages are chained (dbinc/db_page.h), values in chains of overflow pages. */
function toBdb(blobs: readonly Buffer[]): Buffer {
  const size = 4096;
  const perPage = 150;
  const buckets = Math.max(1, Math.ceil(blobs.length / perPage));
  const pages: Buffer[] = [Buffer.alloc(size)];
  const page = (type: number): Buffer => {
    const made = Buffer.alloc(size);
    made.writeUInt32LE(pages.length, 8);
    made[25] = type;
    pages.push(made);
    return made;
  };
  const hash = Array.from({ length: buckets }, () => page(13));
  for (const [index, one] of hash.entries()) {
    if (index > 0) one.writeUInt32LE(index, 12);
    if (index + 1 < buckets) one.writeUInt32LE(index + 2, 16);
    let end = size;
    let items = 0;
    const item = (bytes: Buffer) => {
      end -= bytes.length;
      bytes.copy(one, end);
      one.writeUInt16LE(end, 26 + items * 2);
      items++;
    };
    for (const [position, blob] of blobs.slice(index * perPage, (index + 1) * perPage).entries()) {
      const key = Buffer.alloc(5);
      key[0] = 1;
      key.writeUInt32LE(index * perPage + position + 1, 1);
      const value = Buffer.alloc(12);
      value[0] = 3;
      value.writeUInt32LE(pages.length, 4);
      value.writeUInt32LE(blob.length, 8);
      item(key);
      item(value);
      for (let at = 0; at < blob.length; at += size - 26) {
        const piece = blob.subarray(at, at + size - 26);
        const overflow = page(7);
        piece.copy(overflow, 26);
        overflow.writeUInt16LE(1, 20);
        overflow.writeUInt16LE(piece.length, 22);
        if (at + piece.length < blob.length) overflow.writeUInt32LE(pages.length, 16);
      }
    }
    one.writeUInt16LE(items, 20);
    one.writeUInt16LE(end, 22);
  }
  const [meta] = pages;
  if (meta === undefined) return Buffer.alloc(0);
  for (const [at, value] of [
    [12, 0x061561],
    [16, 9],
    [20, size],
    [32, pages.length - 1],
    [40, blobs.length],
    [44, blobs.length],
    [88, blobs.length],
    [96, 1],
  ] as const)
    meta.writeUInt32LE(value, at);
  meta[25] = 8;
  return Buffer.concat(pages);
}

function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}
