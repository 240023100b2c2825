import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { runProcess } from '../../src/sessions/process.ts';

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

/** A key of a repository, made for one test. */
export interface SigningKey extends AsyncDisposable {
  readonly fingerprint: string;
  /** Its public half, binary. */
  readonly file: string;
  sign(text: string): Promise<string>;
}

/** Makes a key in a folder of its own, whose name must be short: gpg's agent has its socket there. */
export async function makeKey(folder: string, name: string): Promise<SigningKey> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const env = { ...environment, GNUPGHOME: folder };
  const gpg = async (args: readonly string[], input?: string) =>
    await runProcess(['gpg', '--batch', '--quiet', '--no-tty', ...args], {
      env,
      ...(input === undefined ? {} : { input }),
    });
  const id = `${name} <${name}@example.org>`;
  await gpg(['--passphrase', '', '--quick-gen-key', id, 'ed25519', 'sign', 'never']);
  const listed = await gpg(['--with-colons', '--list-keys']);
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed.stdout.toString())?.[1] ?? '';
  const file = join(folder, `${name}.gpg`);
  writeFileSync(file, (await gpg(['--export'])).stdout);
  return {
    fingerprint,
    file,
    sign: async (text) => (await gpg(['--clearsign', '--output', '-'], text)).stdout.toString(),
    async [Symbol.asyncDispose]() {
      await runProcess(['gpgconf', '--kill', 'all'], { env, accept: 'any' });
    },
  };
}

/** A package to be made: its fields, and its files with their content. */
export interface NewPackage {
  readonly name: string;
  readonly version: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** Makes a package by dpkg-deb in `folder`; returns its file. */
export async function makeDeb(folder: string, { name, version, fields = {}, files = {} }: NewPackage): Promise<string> {
  const tree = join(folder, 'tree', `${name}_${version}`);
  const control = {
    Package: name,
    Version: version,
    Architecture: 'all',
    Maintainer: 'Nobody <nobody@example.org>',
    Priority: 'optional',
    Section: 'misc',
    ...fields,
    Description: `${name}, for a test`,
  };
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true, mode: 0o755 });
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    Object.entries(control)
      .map(([field, value]) => `${field}: ${value}\n`)
      .join(''),
  );
  const sums: string[] = [];
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(tree, dirname(path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(tree, path), content, { mode: path.includes('bin/') ? 0o755 : 0o644 });
    sums.push(`${createHash('md5').update(content).digest('hex')}  ${path.slice(1)}\n`);
  }
  if (sums.length > 0) writeFileSync(join(tree, 'DEBIAN/md5sums'), sums.join(''));
  const file = join(folder, `${name}_${version.replaceAll(':', '%3a')}_${control.Architecture}.deb`);
  await runProcess(['dpkg-deb', '-Zgzip', '--root-owner-group', '--build', tree, file], { env: environment });
  return file;
}

/** One suite of a repository. */
export interface Suite {
  readonly suite: string;
  /** Fields of its Release file: Origin, Label, Codename … */
  readonly fields: Readonly<Record<string, string>>;
  readonly date?: Date;
  readonly debs: readonly string[];
  readonly key: SigningKey;
}

/** Puts packages into a repository's pool, and makes a signed suite of them, for amd64, with one component: main. */
export async function publish(folder: string, { suite, fields, date, debs, key }: Suite): Promise<void> {
  const paragraphs: string[] = [];
  for (const deb of debs) {
    const path = `pool/main/${basename(deb).replace('%3a', '.')}`;
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    copyFileSync(deb, join(folder, path));
    const control = await runProcess(['dpkg-deb', '--field', deb], { env: environment });
    const content = readFileSync(deb);
    const facts = `Filename: ${path}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`;
    paragraphs.push(`${control.stdout.toString().trimEnd()}\n${facts}`);
  }
  await publishIndex(folder, { suite, fields, key, ...(date === undefined ? {} : { date }) }, paragraphs);
}

/** Makes a signed suite of these paragraphs of its index; what they name need not be there. */
export async function publishIndex(
  folder: string,
  { suite, fields, date, key }: Omit<Suite, 'debs'>,
  paragraphs: readonly string[],
): Promise<void> {
  const packages = Buffer.from(paragraphs.map((one) => `${one.trimEnd()}\n`).join('\n'));
  const top = join(folder, 'dists', suite);
  const sums = Object.entries({ Packages: packages, 'Packages.gz': gzipSync(packages) }).map(([name, content]) => {
    const path = `main/binary-amd64/${name}`;
    mkdirSync(join(top, dirname(path)), { recursive: true });
    writeFileSync(join(top, path), content);
    return ` ${sha256(content)} ${content.length} ${path}\n`;
  });
  const head = { Suite: suite, Date: (date ?? new Date()).toUTCString().replace('GMT', 'UTC'), ...fields };
  const lines = Object.entries(head).map(([field, value]) => `${field}: ${value}\n`);
  const text = `${lines.join('')}Architectures: amd64\nComponents: main\nSHA256:\n${sums.join('')}`;
  writeFileSync(join(top, 'InRelease'), await key.sign(text));
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
