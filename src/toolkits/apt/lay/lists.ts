import { encodeHeader, tarEnd, tarPadding } from '../../../roots/tar-header.ts';
import { parseParagraphs, type Stanza } from '../deb822.ts';
import { listName } from '../read/sources.ts';
import type { AptLock, AptOrigin, AptPackage } from '../spec.ts';

/** A file of apt's below /var/lib/apt/lists. */
interface ListFile {
  readonly name: string;
  readonly content: string;
}

/** What makes apt take two versions with one number for the same (apt's VersionHash), and what people look at. */
const copied = [
  'Source',
  'Essential',
  'Multi-Arch',
  'Priority',
  'Section',
  'Installed-Size',
  'Maintainer',
  'Provides',
  'Pre-Depends',
  'Depends',
  'Recommends',
  'Suggests',
  'Conflicts',
  'Breaks',
  'Replaces',
  'Enhances',
] as const;

/**
 * Lists of exactly the locked packages (and of what else was offered), as apt would have fetched them from where they
 * came: `apt-cache policy` then gives the same candidates without a network. They are not signed, so apt installs
 * nothing by them before it has fetched its own. `controls` are the packages' control files, in the lock's order.
 */
export function generateLists(lock: AptLock, controls: readonly string[]): ListFile[] {
  const stanzas = new Map<string, string[]>();
  const architectures = new Set(lock.architectures ?? []);
  const add = (key: string, architecture: string, stanza: string) => {
    const origin = lock.origins?.[key];
    if (origin === undefined) return;
    for (const name of indexNames(origin, architecture, architectures)) {
      stanzas.set(name, [...(stanzas.get(name) ?? []), stanza]);
    }
  };
  for (const [index, one] of lock.packages.entries()) {
    const [paragraph] = parseParagraphs(controls[index] ?? '');
    const fields = paragraph?.fields;
    for (const key of [...(one.from === undefined ? [] : [one.from]), ...(one.also ?? [])]) {
      if (fields !== undefined) add(key, one.architecture, stanzaOf(one, fields));
    }
    for (const { version, from } of one.offered ?? []) {
      add(
        from,
        one.architecture,
        lines([
          ['Package', one.name],
          ['Architecture', one.architecture],
          ['Version', version],
        ]),
      );
    }
  }
  const releases = new Map<string, string>();
  for (const origin of Object.values(lock.origins ?? {})) {
    releases.set(listName(`${baseOf(origin)}/Release`), releaseOf(origin, lock));
  }
  return [
    ...[...releases].map(([name, content]) => ({ name, content })),
    ...[...stanzas].map(([name, parts]) => ({ name, content: [...new Set(parts)].join('\n') })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function baseOf({ uri, dist }: AptOrigin): string {
  const address = uri.replace(/\/+$/, '');
  if (!dist.endsWith('/')) return `${address}/dists/${dist}`;
  return dist === '/' ? address : `${address}/${dist.replace(/\/+$/, '')}`;
}

function indexNames(origin: AptOrigin, architecture: string, known: ReadonlySet<string>): string[] {
  if (origin.component === undefined) return [listName(`${baseOf(origin)}/Packages`)];
  const component = origin.component;
  const where = architecture === 'all' ? [...known] : [architecture];
  return where.map((name) => listName(`${baseOf(origin)}/${component}/binary-${name}/Packages`));
}

function stanzaOf(one: AptPackage, fields: Stanza): string {
  return lines([
    ['Package', one.name],
    ['Architecture', one.architecture],
    ['Version', one.version],
    ...copied.map((name) => [name, fields.get(name.toLowerCase())] as const),
    ['Filename', one.path],
    ['Size', String(one.size)],
    ['SHA256', one.sha256],
    ['Description', fields.get('description')?.split('\n')[0]],
  ]);
}

function releaseOf(origin: AptOrigin, { origins, architectures }: AptLock): string {
  const components = Object.values(origins ?? {})
    .filter(({ uri, dist }) => uri === origin.uri && dist === origin.dist)
    .map(({ component }) => component)
    .filter((component) => component !== undefined);
  return lines([
    ['Origin', origin.origin],
    ['Label', origin.label],
    ['Suite', origin.suite],
    ['Version', origin.version],
    ['Codename', origin.codename],
    ['Date', origin.date === undefined ? undefined : dateOf(origin.date)],
    ['NotAutomatic', origin['not-automatic'] === true ? 'yes' : undefined],
    ['ButAutomaticUpgrades', origin['but-automatic-upgrades'] === true ? 'yes' : undefined],
    ['Architectures', architectures?.join(' ')],
    ['Components', [...new Set(components)].join(' ')],
  ]);
}

/** As Release files have it. */
function dateOf(date: string): string | undefined {
  const parsed = new Date(date);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed.toUTCString().replace('GMT', 'UTC');
}

function lines(fields: readonly (readonly [name: string, value: string | undefined])[]): string {
  return fields
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}: ${(value ?? '').replaceAll('\n', '\n ')}\n`)
    .join('');
}

/** The lists as a tar for the root's /. */
export function* listsTar(files: readonly ListFile[]): Generator<Uint8Array> {
  for (const { name, content } of files) {
    const bytes = Buffer.from(content);
    yield encodeHeader({
      name: `var/lib/apt/lists/${name}`,
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: bytes.length,
      mtimeMs: 0,
    });
    yield bytes;
    yield tarPadding(bytes.length);
  }
  yield tarEnd;
}
