import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync as Open } from 'node:sqlite';

const most = 200_000;

/** The headers in an `rpmdb.sqlite` and what its write-ahead log adds. Throws where SQLite can't read it. */
export async function readSqlite(database: Uint8Array, log?: Uint8Array): Promise<Buffer[]> {
  return await withDatabase(database, log, (open) => {
    // a view or a virtual table of that name could be made to run for ever
    const table = open.prepare("SELECT sql FROM sqlite_schema WHERE name = 'Packages' AND type = 'table'").get();
    if (!/^CREATE TABLE\b/i.test(String(table?.['sql']))) throw new Error('it has no packages');
    const blobs: Buffer[] = [];
    for (const row of open.prepare('SELECT blob FROM Packages ORDER BY hnum').iterate()) {
      if (blobs.length === most) throw new Error(`more than ${most} packages`);
      if (row['blob'] instanceof Uint8Array) blobs.push(Buffer.from(row['blob']));
    }
    return blobs;
  });
}

/** Opens a copy of a database (SQLite reads files), and takes it away again. */
export async function withDatabase<T>(
  database: Uint8Array,
  log: Uint8Array | undefined,
  read: (open: Open) => T,
): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite');
  const folder = mkdtempSync(join(tmpdir(), 'repronim-sqlite-'));
  try {
    const file = join(folder, 'copy');
    writeFileSync(file, database);
    if (log !== undefined && log.length > 0) writeFileSync(`${file}-wal`, log);
    const open = new DatabaseSync(file);
    try {
      open.exec('PRAGMA trusted_schema = OFF');
      return read(open);
    } finally {
      open.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
