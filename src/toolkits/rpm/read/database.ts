import type { Note } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { readOne } from '../../apt/read/reader.ts';
import { readBdb } from './bdb.ts';
import { readNdb } from './ndb.ts';
import { keyed, toPackage, type RpmPackage } from './package.ts';
import { readSqlite } from './sqlite.ts';

export type Format = 'sqlite' | 'ndb' | 'bdb';

/** What rpm's database of a root has. */
export interface RpmDatabase {
  /** The folder it lies in, and how it is written; absent where there is none. */
  readonly folder?: string;
  readonly format?: Format;
  /** Sorted by key; without what stands for keys. */
  readonly packages: readonly RpmPackage[];
  readonly byKey: ReadonlyMap<string, RpmPackage>;
  /** `gpg-pubkey`: keys that rpm trusts. */
  readonly keys: readonly RpmPackage[];
  readonly notes: readonly Note[];
}

/** Where rpm keeps its database: most; Fedora since 36 and SUSE; rpm-ostree. */
const folders: readonly string[] = ['/var/lib/rpm', '/usr/lib/sysimage/rpm', '/usr/share/rpm'];
const files: readonly (readonly [name: string, format: Format])[] = [
  ['rpmdb.sqlite', 'sqlite'],
  ['Packages.db', 'ndb'],
  ['Packages', 'bdb'],
];

const cache = new WeakMap<Root, { stamp: string; database: Promise<RpmDatabase> }>();

/** The rpm database of a root; read once, and again when it has changed. Empty where there is none. */
export async function readDatabase(root: Root): Promise<RpmDatabase> {
  const paths = folders.flatMap((folder) => files.flatMap(([name]) => [`${folder}/${name}`, `${folder}/${name}-wal`]));
  const stats = await root.lstat(paths);
  const stamp = stats.map((stat) => `${stat?.inode}/${stat?.mtimeMs}/${stat?.size}`).join();
  const held = cache.get(root);
  if (held?.stamp === stamp) return held.database;
  const database = load(root);
  cache.set(root, { stamp, database });
  return database;
}

async function load(root: Root): Promise<RpmDatabase> {
  const notes: Note[] = [];
  const empty = { packages: [], byKey: new Map<string, RpmPackage>(), keys: [], notes };
  let found: RpmDatabase | undefined;
  const hollow: Note[] = [];
  for (const folder of folders) {
    for (const [name] of files) {
      const path = `${folder}/${name}`;
      const read = await readOne(root, path);
      if (!('content' in read)) {
        if (read.code !== 'ENOENT' && read.code !== 'ENOTDIR') {
          notes.push({ kind: 'unreadable', text: `rpm's database can't be read (${read.code})`, path });
        }
        continue;
      }
      if (read.content.length === 0) {
        hollow.push({ kind: 'unreadable', text: `rpm's database is empty: ${path}`, path });
        continue;
      }
      try {
        const { format, blobs, broken } = await readBlobs(root, path, read.content);
        const database = toDatabase(folder, format, blobs, broken, path, notes);
        // an upgrade of rpm may have left the older one behind
        if (found === undefined || database.packages.length > found.packages.length) found = database;
      } catch (error) {
        const because = error instanceof Error ? error.message : String(error);
        notes.push({ kind: 'unreadable', text: `rpm's database can't be read: ${because}`, path });
      }
    }
    if (found !== undefined && found.packages.length > 0) return found;
  }
  if (found === undefined) notes.push(...hollow);
  return found ?? empty;
}

/** By its content: names have been used for several formats. */
async function readBlobs(
  root: Root,
  path: string,
  content: Buffer,
): Promise<{ readonly format: Format; readonly blobs: readonly Buffer[]; readonly broken: number }> {
  if (content.toString('latin1', 0, 15) === 'SQLite format 3') {
    const log = await readOne(root, `${path}-wal`);
    const blobs = await readSqlite(content, 'content' in log ? log.content : undefined);
    return { format: 'sqlite', blobs, broken: 0 };
  }
  if (content.toString('latin1', 0, 4) === 'RpmP') return { format: 'ndb', ...readNdb(content) };
  return { format: 'bdb', ...readBdb(content) };
}

function toDatabase(
  folder: string,
  format: Format,
  blobs: readonly Buffer[],
  broken: number,
  path: string,
  notes: Note[],
): RpmDatabase {
  const read = blobs.map(toPackage);
  const all = keyed(read.flatMap((one) => one ?? []));
  const lost = broken + read.filter((one) => one === undefined).length;
  if (lost > 0) {
    const text = `${lost} of ${blobs.length + broken} entries of rpm's database can't be read`;
    notes.push({ kind: 'unreadable', text, path });
  }
  const packages = all.filter(({ name }) => name !== 'gpg-pubkey');
  return {
    folder,
    format,
    packages,
    byKey: new Map(packages.map((one) => [one.key, one])),
    keys: all.filter(({ name }) => name === 'gpg-pubkey'),
    notes,
  };
}
