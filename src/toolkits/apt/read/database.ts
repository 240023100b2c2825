import { isSafeAbsolute, type Note } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { parseParagraphs, type Paragraph } from '../deb822.ts';
import { isArchitecture, isPackageName, isVersion } from '../names.ts';
import { packageKey } from '../spec.ts';
import { listFolder, readFolder, readOne, toText } from './reader.ts';

/** A package of dpkg's database whose files are there (installed, or on the way to it). */
export interface DpkgPackage {
  /** `name:architecture`. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly essential: boolean;
  readonly hold: boolean;
  /** The third word of Status: `installed`, `unpacked`, `half-configured` … */
  readonly state: string;
  readonly conffiles: readonly Conffile[];
  /** Fields of the status paragraph, names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  /** The paragraph as it is. */
  readonly paragraph: string;
  /** Folder and beginning of the names of its control files: `/var/lib/dpkg/info`, `libc6:amd64`. */
  readonly info: { readonly folder: string; readonly base: string };
}

interface Conffile {
  readonly path: string;
  readonly md5: string;
  /** No longer a conffile of this version. */
  readonly obsolete: boolean;
}

/** A diversion (dpkg-divert(1)): the file that is `path` in `by`'s eyes only; everybody else's is at `to`. */
interface Diversion {
  readonly path: string;
  readonly to: string;
  /** Absent for a local one, which holds for every package. */
  readonly by?: string;
}

export interface Database {
  /** Sorted by key. */
  readonly packages: readonly DpkgPackage[];
  readonly byKey: ReadonlyMap<string, DpkgPackage>;
  readonly byName: ReadonlyMap<string, readonly DpkgPackage[]>;
  /** Native first. */
  readonly architectures: readonly string[];
  readonly diversions: readonly Diversion[];
  /** Keys of the packages that are not marked as automatically installed. */
  readonly manual: ReadonlySet<string>;
  readonly notes: readonly Note[];
}

const dpkgFolder = '/var/lib/dpkg';
const infoFolder = `${dpkgFolder}/info`;
/** Images without dpkg (distroless) have one file a package here. */
const statusFolder = `${dpkgFolder}/status.d`;

const cache = new WeakMap<Root, { stamp: string; database: Promise<Database> }>();

/** The dpkg database of a root; read once, and again when it has changed. Empty where there is none. */
export async function readDatabase(root: Root): Promise<Database> {
  const stats = await root.lstat([`${dpkgFolder}/status`, infoFolder, statusFolder]);
  const stamp = stats.map((stat) => `${stat?.inode}/${stat?.mtimeMs}/${stat?.size}`).join();
  const held = cache.get(root);
  if (held?.stamp === stamp) return held.database;
  const database = load(root);
  cache.set(root, { stamp, database });
  return database;
}

/** Every word of dpkg's arch file and of the paragraphs is checked: they come from strangers' images, too. */
async function load(root: Root): Promise<Database> {
  const notes: Note[] = [];
  const paragraphs = [...(await statusParagraphs(root, notes)), ...(await distrolessParagraphs(root))];
  const controlFiles = new Set(await listFolder(root, infoFolder));
  const byKey = new Map<string, DpkgPackage>();
  for (const { paragraph, base } of paragraphs) {
    const found = toPackage(paragraph, base, controlFiles, notes);
    if (found !== undefined) byKey.set(found.key, found);
  }
  if (byKey.size === 0 && notes.length === 0 && [...controlFiles].some((name) => name.endsWith('.list'))) {
    const path = `${dpkgFolder}/status`;
    notes.push({ kind: 'unreadable', text: `dpkg's database is broken: ${path} has no package`, path });
  }
  const packages = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const byName = Map.groupBy(packages, ({ name }) => name);
  const architectures = await readArchitectures(root, packages, byName);
  return {
    packages,
    byKey,
    byName,
    architectures,
    diversions: await readDiversions(root),
    manual: await readManual(root, packages, architectures[0]),
    notes,
  };
}

async function statusParagraphs(root: Root, notes: Note[]): Promise<{ paragraph: Paragraph; base?: string }[]> {
  const path = `${dpkgFolder}/status`;
  const read = await readOne(root, path);
  if ('content' in read) {
    const text = toText(read.content);
    if (text !== '' && !text.endsWith('\n'))
      notes.push({ kind: 'unreadable', text: `dpkg's database is cut short: ${path}`, path });
    return [...parseParagraphs(text)].map((paragraph) => ({ paragraph }));
  }
  if (read.code !== 'ENOENT') notes.push({ kind: 'unreadable', text: `dpkg's database (${read.code})`, path });
  return [];
}

async function distrolessParagraphs(root: Root): Promise<{ paragraph: Paragraph; base: string }[]> {
  const names = (await listFolder(root, statusFolder)).filter((name) => !name.endsWith('.md5sums'));
  const reads = await readFolder(root, statusFolder, names);
  return reads.flatMap((read, index) => {
    const paragraph = 'content' in read ? parseParagraphs(toText(read.content)).next().value : undefined;
    return paragraph ? [{ paragraph, base: names[index] ?? '' }] : [];
  });
}

function toPackage(
  { fields, text, broken }: Paragraph,
  base: string | undefined,
  controlFiles: ReadonlySet<string>,
  notes: Note[],
): DpkgPackage | undefined {
  const name = fields.get('package') ?? '';
  const version = fields.get('version') ?? '';
  const architecture = fields.get('architecture') ?? '';
  const [want, , state = ''] = (fields.get('status') ?? (base === undefined ? '' : 'install ok installed')).split(' ');
  if (broken === undefined && (state === 'not-installed' || state === 'config-files')) return undefined;
  if (broken !== undefined || !isPackageName(name) || !isVersion(version) || !isArchitecture(architecture)) {
    const about = isPackageName(name) ? name : undefined;
    const text = `an entry of dpkg's database can't be read${about === undefined ? '' : `: ${about}`}`;
    notes.push({ kind: 'unreadable', text, path: `${dpkgFolder}/status`, ...(about === undefined ? {} : { about }) });
    return undefined;
  }
  const [, source = name, , sourceVersion = version] =
    /^([^\s(]+)(\s*\(([^)]+)\))?/.exec(fields.get('source') ?? '') ?? [];
  const qualified = `${name}:${architecture}`;
  return {
    key: packageKey({ name, architecture }),
    name,
    version,
    architecture,
    source: isPackageName(source) ? source : name,
    sourceVersion: isVersion(sourceVersion) ? sourceVersion : version,
    essential: fields.get('essential') === 'yes',
    hold: want === 'hold',
    state,
    conffiles: parseConffiles(fields.get('conffiles') ?? ''),
    fields,
    paragraph: text,
    info:
      base === undefined
        ? { folder: infoFolder, base: controlFiles.has(`${qualified}.list`) ? qualified : name }
        : { folder: statusFolder, base },
  };
}

function parseConffiles(field: string): Conffile[] {
  return field.split('\n').flatMap((line) => {
    const found = /^(\/.+?) ([0-9a-f]{32}|newconffile)((?: [a-z-]+)*)$/.exec(line.trim());
    if (found === null || !isSafeAbsolute(found[1] ?? '')) return [];
    const [, path = '', md5 = '', flags = ''] = found;
    return [{ path, md5, obsolete: flags !== '' }];
  });
}

async function readArchitectures(
  root: Root,
  packages: readonly DpkgPackage[],
  byName: ReadonlyMap<string, readonly DpkgPackage[]>,
): Promise<string[]> {
  const read = await readOne(root, `${dpkgFolder}/arch`);
  const listed = ('content' in read ? toText(read.content) : '').split('\n').filter((line) => isArchitecture(line));
  const counts = new Map<string, number>();
  for (const { architecture } of packages) counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  counts.delete('all');
  const most = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
  // dpkg itself is always native
  const native = byName.get('dpkg')?.[0]?.architecture ?? most ?? listed[0];
  return native === undefined ? [] : [native, ...listed.filter((name) => name !== native && name !== 'all').sort()];
}

async function readDiversions(root: Root): Promise<Diversion[]> {
  const read = await readOne(root, `${dpkgFolder}/diversions`);
  const lines = ('content' in read ? toText(read.content) : '').split('\n');
  const found: Diversion[] = [];
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [path = '', to = '', by = ''] = lines.slice(at, at + 3);
    if (!path.startsWith('/') || !to.startsWith('/')) continue;
    found.push(by === ':' ? { path, to } : { path, to, by });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** apt notes what it installed by itself, by name and architecture (`all` under the native one); the rest is by hand. */
async function readManual(
  root: Root,
  packages: readonly DpkgPackage[],
  native: string | undefined,
): Promise<Set<string>> {
  const read = await readOne(root, '/var/lib/apt/extended_states');
  const automatic = new Set<string>();
  for (const { fields } of parseParagraphs('content' in read ? toText(read.content) : '')) {
    if (fields.get('auto-installed') !== '1') continue;
    automatic.add(`${fields.get('package')}:${fields.get('architecture')}`);
  }
  const manual = packages.filter(({ name, architecture, key }) => {
    if (automatic.has(key)) return false;
    return architecture !== 'all' || !automatic.has(`${name}:${native}`);
  });
  return new Set(manual.map(({ key }) => key));
}
