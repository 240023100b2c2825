import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** One package of a small root: its fields, and its files (path to content; `-> target` is a link). */
export interface SmallPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** As the list has them. */
  readonly files?: Readonly<Record<string, string>>;
  /** Names in the list that are not made. */
  readonly folders?: readonly string[];
  readonly conffiles?: readonly string[];
  readonly control?: Readonly<Record<string, string>>;
}

export interface SmallRoot {
  readonly packages: readonly SmallPackage[];
  /** Further files, made after the packages. */
  readonly files?: Readonly<Record<string, string>>;
  readonly merged?: boolean;
}

const installed = new Date('2025-05-20T12:00:00Z');

/** A root with a dpkg database as dpkg writes it, in a folder of its own that goes away with the test. */
export function smallDebian(t: TestContext, { packages, files = {}, merged = true }: SmallRoot): string {
  const root = mkdtempSync(join(tmpdir(), 'repronim-debian-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const put = (path: string, content: string, date = installed) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    if (content.startsWith('-> ')) return symlinkSync(content.slice(3), join(root, path));
    writeFileSync(join(root, path), content);
    utimesSync(join(root, path), date, date);
  };
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  if (merged) {
    for (const name of ['bin', 'sbin', 'lib']) {
      mkdirSync(join(root, 'usr', name), { recursive: true });
      symlinkSync(`usr/${name}`, join(root, name));
    }
  }
  const status: string[] = [];
  for (const one of packages) {
    const { name, version, architecture = 'amd64', fields = {}, files: own = {}, folders = [], conffiles = [] } = one;
    const same = fields['Multi-Arch'] === 'same' ? `:${architecture}` : '';
    const info = `/var/lib/dpkg/info/${name}${same}`;
    for (const [path, content] of Object.entries(own)) put(path, content, new Date('2024-01-02T03:04:05Z'));
    const listed = new Set<string>(['/.', ...folders]);
    for (const path of Object.keys(own)) {
      for (let at = dirname(path); at !== '/'; at = dirname(at)) listed.add(at);
      listed.add(path);
    }
    put(`${info}.list`, `${[...listed].sort().join('\n')}\n`);
    const sums = Object.entries(own)
      .filter(([path, content]) => !conffiles.includes(path) && !content.startsWith('-> '))
      .map(([path, content]) => `${md5(content)}  ${path.slice(1)}\n`);
    if (sums.length > 0) put(`${info}.md5sums`, sums.join(''));
    if (conffiles.length > 0) put(`${info}.conffiles`, `${conffiles.join('\n')}\n`);
    for (const [kind, content] of Object.entries(one.control ?? {})) put(`${info}.${kind}`, content);
    const lines = [`Package: ${name}`, 'Status: install ok installed', `Architecture: ${architecture}`];
    lines.push(`Version: ${version}`, ...Object.entries(fields).map(([field, value]) => `${field}: ${value}`));
    if (conffiles.length > 0) {
      lines.push('Conffiles:', ...conffiles.map((path) => ` ${path} ${md5(own[path] ?? '')}`));
    }
    status.push(`${lines.join('\n')}\nDescription: ${name}\n more of it\n`);
  }
  put('/var/lib/dpkg/info/format', '1\n');
  put('/var/lib/dpkg/status', `${status.join('\n')}\n`);
  for (const [path, content] of Object.entries(files)) put(path, content, new Date('2025-06-01T00:00:00Z'));
  return root;
}

export const bookworm = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
`;

/** The public key of Debian's stable releases, and its own signature of a Release file: real, and small. */
export const stableKey = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS/xcRfwEQWzr
crf6AEq0SURlYmlhbiBTdGFibGUgUmVsZWFzZSBLZXkgKDEyL2Jvb2t3b3JtKSA8
ZGViaWFuLXJlbGVhc2VAbGlzdHMuZGViaWFuLm9yZz6IlgQTFggAPhYhBE1k/sEZ
wgKQZ9bnkfjSWFuHg9SBBQJjzrlTAhsDBQkPCZwABQsJCAcCBhUKCQgLAgQWAgMB
Ah4BAheAAAoJEPjSWFuHg9SBSgwBAP9qpeO5z1s5m4D4z3TcqDo1wez6DNya27QW
WoG/4oBsAQCEN8Z00DXagPHbwrvsY2t9BCsT+PgnSn9biobwX7bDDg==
=5NZE
-----END PGP PUBLIC KEY BLOCK-----
`;

export const stableFingerprint = '4D64FEC119C2029067D6E791F8D2585B8783D481';

/** An InRelease file of these fields, signed by that key (of other content: nobody checks it here). */
export function inRelease(fields: Readonly<Record<string, string>>): string {
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  return `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

${head.join('')}SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages
-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQRNZP7BGcICkGfW55H40lhbh4PUgQUCalIYlQAKCRD40lhbh4PU
gby5AQC1lYDre9/bh6g00b9hdAvcEnOjh5NyzB4d1eml8Lr0egD/cQ/JaAK2+OZ/
0KL6gbCXbacipnuduiL//iaCsTHp5wc=
-----END PGP SIGNATURE-----
`;
}

/** A paragraph of a Packages file. */
export function offered(name: string, version: string, more: Readonly<Record<string, string>> = {}): string {
  const fields = {
    Package: name,
    Version: version,
    Architecture: 'amd64',
    Filename: `pool/main/${name[0]}/${name}/${name}_${version}_amd64.deb`,
    Size: '1234',
    SHA256: createHash('sha256').update(`${name} ${version}`).digest('hex'),
    ...more,
  };
  return `${Object.entries(fields)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('')}\n`;
}

function md5(content: string): string {
  return createHash('md5').update(content).digest('hex');
}
