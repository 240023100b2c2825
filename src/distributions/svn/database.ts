import type { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { isSafeAbsolute } from '../../model/index.ts';
import { parseProperties } from './properties.ts';

/** One versioned path, as the working copy's database has it. */
export interface Node {
  /** Below the working copy's top; `''` is that itself. */
  readonly path: string;
  readonly kind: 'file' | 'dir';
  /** Of what was checked out; absent where the path was only added. */
  readonly revision?: number;
  /** sha1 of the text as the repository has it, in hexadecimal. */
  readonly sha1?: string;
  readonly properties: ReadonlyMap<string, string>;
  /** Size and time (microseconds) of the working file when it was last seen unchanged. */
  readonly size?: number;
  readonly time?: number;
  /** Added, copied, replaced or deleted, or its properties were changed, or it is in conflict. */
  readonly altered: boolean;
  /** Not to be there: deleted. */
  readonly gone: boolean;
}

/** A working copy as its `wc.db` has it (Subversion 1.7 and later). */
export interface WorkingCopy {
  readonly url: string;
  readonly root: string;
  readonly uuid: string;
  /** Sorted by path. */
  readonly nodes: readonly Node[];
  readonly externals: readonly { readonly path: string; readonly url: string; readonly revision?: number }[];
}

export interface NoWorkingCopy {
  readonly because: string;
}

const most = 5_000_000;
const tables = ['REPOSITORY', 'NODES', 'ACTUAL_NODE', 'EXTERNALS'];
const largest = 2 ** 31 - 1;

/** Reads the database of the working copy at `top`, and what its log or journal adds. */
export async function readWorkingCopy(root: Root, top: string): Promise<WorkingCopy | NoWorkingCopy> {
  const read = async (name: string) =>
    await root.readFile(posix.join(top, '.svn', name), largest).catch(() => undefined);
  const database = await read('wc.db');
  if (database === undefined) return { because: 'it has no wc.db' };
  return await parseWorkingCopy(database, { wal: await read('wc.db-wal'), journal: await read('wc.db-journal') });
}

/** Reads a `wc.db` from a copy of its own; says why where it is none. */
export async function parseWorkingCopy(
  database: Uint8Array,
  { wal, journal }: { readonly wal?: Uint8Array | undefined; readonly journal?: Uint8Array | undefined } = {},
): Promise<WorkingCopy | NoWorkingCopy> {
  const sqlite = await import('node:sqlite');
  const folder = mkdtempSync(join(tmpdir(), 'repronim-svn-'));
  try {
    const file = join(folder, 'wc.db');
    writeFileSync(file, database);
    if ((wal?.length ?? 0) > 0) writeFileSync(`${file}-wal`, wal ?? '');
    if ((journal?.length ?? 0) > 0) writeFileSync(`${file}-journal`, journal ?? '');
    const open = new sqlite.DatabaseSync(file);
    try {
      open.exec('PRAGMA trusted_schema = OFF');
      return readTables(open);
    } finally {
      open.close();
    }
  } catch {
    return { because: 'its wc.db can not be read' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Row = Readonly<Record<string, unknown>>;

function readTables(open: DatabaseSync): WorkingCopy | NoWorkingCopy {
  for (const table of tables) {
    // a view or a virtual table of that name could be made to run for ever
    const found = open.prepare("SELECT sql FROM sqlite_schema WHERE name = ? AND type = 'table'").get(table);
    if (!/^CREATE TABLE\b/i.test(String(found?.['sql']))) return { because: `its wc.db has no table ${table}` };
  }
  const repositories = new Map(
    all(open, 'SELECT id, root, uuid FROM REPOSITORY').map((row) => [row['id'], row] as const),
  );
  const actual = new Map(
    all(
      open,
      'SELECT local_relpath, properties, conflict_data, conflict_old, tree_conflict_data, prop_reject FROM ACTUAL_NODE',
    ).map((row) => [String(row['local_relpath']), row] as const),
  );
  const columns = 'local_relpath, op_depth, repos_id, repos_path, revision, presence, kind, properties, checksum';
  const rows = all(
    open,
    `SELECT ${columns}, translated_size, last_mod_time FROM NODES ORDER BY local_relpath, op_depth`,
  );
  const nodes = new Map<string, Node>();
  for (const row of rows) {
    const path = String(row['local_relpath']);
    if (path !== '' && !isSafeAbsolute(`/${path}`)) continue;
    const node = nodeOf(path, row, nodes.get(path), actual.get(path));
    if (node === undefined) nodes.delete(path);
    else nodes.set(path, node);
  }
  const base = rows.find((row) => row['local_relpath'] === '' && Number(row['op_depth']) === 0);
  const repository = repositories.get(base?.['repos_id']);
  const root = repository?.['root'];
  const uuid = repository?.['uuid'];
  if (typeof root !== 'string' || typeof uuid !== 'string')
    return { because: 'its wc.db does not say where it comes from' };
  return {
    url: addressIn(root, textOf(base?.['repos_path'])),
    root,
    uuid,
    nodes: [...nodes.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    externals: all(
      open,
      'SELECT local_relpath, repos_id, def_repos_relpath, def_revision FROM EXTERNALS ORDER BY local_relpath',
    ).flatMap((row) => {
      const from = repositories.get(row['repos_id'])?.['root'];
      const revision = Number(row['def_revision'] ?? Number.NaN);
      if (typeof from !== 'string') return [];
      const url = addressIn(from, textOf(row['def_repos_relpath']));
      return [{ path: String(row['local_relpath']), url, ...(Number.isSafeInteger(revision) ? { revision } : {}) }];
    }),
  };
}

/** The topmost layer counts; the one below says which revision was checked out. */
function nodeOf(path: string, row: Row, below: Node | undefined, actual: Row | undefined): Node | undefined {
  const presence = String(row['presence']);
  if (!/^(?:normal|incomplete|base-deleted)$/.test(presence)) return undefined; // excluded, not there, forbidden
  const depth = Number(row['op_depth']);
  const revision = depth === 0 && Number.isSafeInteger(row['revision']) ? Number(row['revision']) : below?.revision;
  const sha1 = /^\$sha1\$([0-9a-f]{40})$/.exec(String(row['checksum']))?.[1];
  const changedProperties = actual?.['properties'] instanceof Uint8Array ? actual['properties'] : undefined;
  const properties = changedProperties ?? (row['properties'] instanceof Uint8Array ? row['properties'] : undefined);
  const size = Number(row['translated_size'] ?? Number.NaN);
  const time = Number(row['last_mod_time'] ?? Number.NaN);
  const conflict = ['conflict_data', 'conflict_old', 'tree_conflict_data', 'prop_reject'].some(
    (name) => actual?.[name] !== null && actual?.[name] !== undefined,
  );
  return {
    path,
    kind: row['kind'] === 'dir' ? 'dir' : 'file',
    ...(revision === undefined ? {} : { revision }),
    ...(sha1 === undefined ? {} : { sha1 }),
    properties: parseProperties(properties ?? new Uint8Array()),
    ...(Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    ...(Number.isSafeInteger(time) && time > 0 ? { time } : {}),
    altered: depth > 0 || changedProperties !== undefined || conflict,
    gone: presence === 'base-deleted',
  };
}

function all(open: DatabaseSync, query: string): Row[] {
  const rows: Row[] = [];
  for (const row of open.prepare(query).iterate()) {
    if (rows.length === most) throw new RangeError('too many rows');
    rows.push(row);
  }
  return rows;
}

function addressIn(root: string, path: string): string {
  return path === '' ? root : `${root}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
