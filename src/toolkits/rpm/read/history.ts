import { parse } from 'smol-toml';

import type { Note } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { listFolder, readOne, readText, toText } from '../../apt/read/reader.ts';
import type { RpmPackage } from './package.ts';
import { withDatabase } from './sqlite.ts';

/** What a package manager remembers of an installed package. */
export interface Remembered {
  /** The repository's id. */
  readonly from?: string;
  /** Asked for by somebody. */
  readonly manual?: boolean;
  /** sha256 of the .rpm. */
  readonly sha256?: string;
}

export interface History {
  of(one: RpmPackage): Remembered;
  readonly notes: readonly Note[];
}

/** dnf 4's database, dnf 5's files, yum's folder; what is younger counts. */
export async function readHistory(root: Root): Promise<History> {
  const notes: Note[] = [];
  const five = await readDnf5(root, notes);
  const four = await readDnf4(root, notes);
  const yum = await readYum(root);
  return {
    notes,
    of(one) {
      const { name, evr, architecture } = one;
      const plain = `${name}-${evr.version}-${evr.release ?? ''}.${architecture}`;
      const full = `${name}-${evr.epoch}:${evr.version}-${evr.release ?? ''}.${architecture}`;
      return { ...yum.get(plain), ...four.get(full), ...five(full, plain, `${name}.${architecture}`) };
    },
  };
}

/** Tables of `/var/lib/dnf/history.sqlite` (libdnf's sql/create.sql), each read once: joins of a stranger's may take for ever. */
const tables = {
  packages: 'SELECT item_id, name, epoch, version, release, arch FROM rpm LIMIT 500000',
  repositories: 'SELECT id, repoid FROM repo LIMIT 500000',
  items: 'SELECT item_id, repo_id, reason FROM trans_item WHERE action IN (1, 2, 4, 6, 9, 10) ORDER BY id LIMIT 500000',
} as const;
/** libdnf's TransactionItemReason: those that somebody asked for. */
const asked: readonly unknown[] = [2, 5];

async function readDnf4(root: Root, notes: Note[]): Promise<Map<string, Remembered>> {
  const path = '/var/lib/dnf/history.sqlite';
  const found = new Map<string, Remembered>();
  const database = await readOne(root, path);
  if (!('content' in database) || database.content.length === 0) return found;
  const log = await readOne(root, `${path}-wal`);
  try {
    await withDatabase(database.content, 'content' in log ? log.content : undefined, (open) => {
      const plain = open.prepare(
        "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' AND name IN ('trans_item', 'rpm', 'repo')",
      );
      if (plain.get()?.['n'] !== 3) throw new Error('it is not as dnf makes it');
      const repositories = new Map(
        [...open.prepare(tables.repositories).iterate()].map((row) => [row['id'], String(row['repoid'])]),
      );
      const packages = new Map(
        [...open.prepare(tables.packages).iterate()].map((row) => [
          row['item_id'],
          `${String(row['name'])}-${String(row['epoch'])}:${String(row['version'])}-${String(row['release'])}.${String(row['arch'])}`,
        ]),
      );
      // the newest comes last, and counts
      for (const row of open.prepare(tables.items).iterate()) {
        const from = repositoryId(repositories.get(row['repo_id']) ?? '');
        const manual = asked.includes(row['reason']);
        const name = packages.get(row['item_id']);
        if (name === undefined) continue;
        found.set(name, { ...(from === undefined ? {} : { from }), ...(manual ? { manual } : {}) });
      }
    });
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    notes.push({ kind: 'unreadable', text: `dnf's history can't be read: ${because}`, path });
  }
  return found;
}

type OfDnf5 = (full: string, plain: string, nameArchitecture: string) => Remembered;

async function readDnf5(root: Root, notes: Note[]): Promise<OfDnf5> {
  const folder = '/usr/lib/sysimage/libdnf5';
  const table = async (file: string, name: string): Promise<Record<string, unknown>> => {
    const text = await readText(root, `${folder}/${file}`);
    if (text === undefined) return {};
    try {
      return asTable(asTable(parse(text))[name]);
    } catch {
      notes.push({ kind: 'unreadable', text: "dnf's marks can't be read", path: `${folder}/${file}` });
      return {};
    }
  };
  const nevras = await table('nevras.toml', 'nevras');
  const packages = await table('packages.toml', 'packages');
  return (full, plain, nameArchitecture) => {
    const from = repositoryId(asText(asTable(nevras[full] ?? nevras[plain])['from_repo']));
    const reason = asText(asTable(packages[nameArchitecture])['reason']).toLowerCase();
    const manual = reason === 'user' || reason === 'external user';
    return { ...(from === undefined ? {} : { from }), ...(manual ? { manual } : {}) };
  };
}

/** `/var/lib/yum/yumdb/b/PKGID-bash-4.2.46-34.el7-x86_64/from_repo`, a file a fact. */
async function readYum(root: Root): Promise<Map<string, Remembered>> {
  const top = '/var/lib/yum/yumdb';
  const found = new Map<string, Remembered>();
  for (const letter of await listFolder(root, top)) {
    for (const entry of await listFolder(root, `${top}/${letter}`)) {
      const [, nevr = '', architecture = ''] = /^[0-9a-f]{40}-(.+)-([^-]+)$/.exec(entry) ?? [];
      if (nevr === '') continue;
      const fact = async (name: string) => {
        const read = await readOne(root, `${top}/${letter}/${entry}/${name}`);
        return 'content' in read ? toText(read.content).trim() : '';
      };
      const from = repositoryId(await fact('from_repo'));
      const manual = (await fact('reason')) === 'user';
      const digest = (await fact('checksum_type')) === 'sha256' ? await fact('checksum_data') : '';
      found.set(`${nevr}.${architecture}`, {
        ...(from === undefined ? {} : { from }),
        ...(manual ? { manual } : {}),
        ...(/^[0-9a-f]{64}$/.test(digest) ? { sha256: digest } : {}),
      });
    }
  }
  return found;
}

function asTable(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `@commandline` and the like are no repositories. */
function repositoryId(text: string): string | undefined {
  const id = text.replace(/^@/, '');
  return /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}$/.test(id) && id !== 'System' && id !== 'commandline' ? id : undefined;
}
