import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { fakeAnnex, gitIn } from '../../test/fakes/annex.ts';
import { laySmallRoot } from '../../test/fakes/small-rpm.ts';

/** A part of a scratch root: paths as they are in it, sorted by bytes. */
export interface Part {
  readonly files: readonly string[];
}

/** How much of each is made: packages, and files of each. */
export interface Amount {
  readonly packages: number;
  readonly each: number;
}

const text = 'what it is does not matter here\n';

/** Writes many files; each folder is made once. */
function layer(root: string): (path: string, content: string) => void {
  const made = new Set<string>();
  return (path, content) => {
    const file = join(root, path);
    const folder = dirname(file);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    writeFileSync(file, content);
  };
}

/** A system of rpm packages, its database as rpm has it now (sqlite). The files of so many of them are there, too. */
export function layRpm(root: string, { packages, each }: Amount, laid: number): Part {
  const files: string[] = [];
  const system = [
    {
      name: 'release',
      version: '9.4',
      release: '1.el9',
      requires: ['rpmlib(CompressedFileNames)'], // rpm takes no header with an empty list
      files: [{ path: '/etc/os-release', content: 'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\n' }],
    },
    ...counted(packages, (one) => ({
      name: `package-${String(one).padStart(4, '0')}`,
      version: `1.${one}`,
      release: '3.el9',
      architecture: 'x86_64',
      requires: ['release'],
      files: counted(each, (file) => {
        const path = `/usr/share/package-${String(one).padStart(4, '0')}/part${file % 10}/file-${one}-${file}.txt`; // rpm looks up last parts
        files.push(path);
        return one < laid ? { path, content: text } : { path };
      }),
    })),
  ];
  mkdirSync(root, { recursive: true });
  laySmallRoot(root, system, 'sqlite');
  return { files: files.sort() };
}

/** A virtual environment of wheels, each with its RECORD. */
export function layVenv(root: string, top: string, { packages, each }: Amount): Part {
  const lay = layer(root);
  const files: string[] = [];
  const site = `${top}/lib/python3.11/site-packages`;
  lay(`${top}/pyvenv.cfg`, 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n');
  mkdirSync(join(root, top, 'bin'));
  symlinkSync('/usr/bin/python3', join(root, top, 'bin/python'));
  const hash = `sha256=${'A'.repeat(43)}`;
  for (const one of counted(packages, String)) {
    const info = `package_${one}-1.${one}.dist-info`;
    const modules = counted(each - 4, (file) => `package_${one}/part${file % 10}/module_${file}.py`);
    const own = ['METADATA', 'WHEEL', 'INSTALLER'].map((name) => `${info}/${name}`);
    const record = `${info}/RECORD`;
    for (const path of modules) lay(`${site}/${path}`, text);
    lay(`${site}/${info}/METADATA`, `Metadata-Version: 2.1\nName: package_${one}\nVersion: 1.${one}\n\n`);
    lay(`${site}/${info}/WHEEL`, 'Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n');
    lay(`${site}/${info}/INSTALLER`, 'pip\n');
    lay(
      `${site}/${record}`,
      `${[...modules, ...own].map((path) => `${path},${hash},${text.length}\n`).join('')}${record},,\n`,
    );
    files.push(...[...modules, ...own, record].map((path) => `${site}/${path}`));
  }
  return { files: files.sort() };
}

/** A conda prefix: a record of each package, as conda writes it, and its files where `laid`. */
export function layConda(root: string, top: string, { packages, each }: Amount, laid: boolean): Part {
  const lay = layer(root);
  const files: string[] = [];
  lay(`${top}/conda-meta/history`, '==> 2024-01-01 00:00:00 <==\n# update specs: ["package-0"]\n');
  for (const one of counted(packages, String)) {
    const stem = `package-${one}-1.${one}-h0_0`;
    const paths = counted(each, (file) => `share/package-${one}/part${file % 10}/file-${file}.dat`);
    if (laid) for (const path of paths) lay(`${top}/${path}`, text);
    const record = {
      name: `package-${one}`,
      version: `1.${one}`,
      build: 'h0_0',
      build_number: 0,
      channel: 'https://conda.example.org/main',
      subdir: 'linux-64',
      fn: `${stem}.conda`,
      url: `https://conda.example.org/main/linux-64/${stem}.conda`,
      md5: '0'.repeat(32),
      sha256: '0'.repeat(64),
      size: 1000,
      depends: ['__glibc >=2.17'],
      files: paths,
      paths_data: {
        paths_version: 1,
        paths: paths.map((path) => ({
          _path: path,
          path_type: 'hardlink',
          sha256: 'a'.repeat(64),
          sha256_in_prefix: 'a'.repeat(64),
          size_in_bytes: text.length,
        })),
      },
      requested_spec: '',
    };
    lay(`${top}/conda-meta/${stem}.json`, JSON.stringify(record, undefined, 2));
    files.push(...paths.map((path) => `${top}/${path}`), `${top}/conda-meta/${stem}.json`);
  }
  return { files: files.sort() };
}

/** A project with packages of npm, some in scopes, some below others. */
export function layNpm(root: string, top: string, { packages, each }: Amount): Part {
  const lay = layer(root);
  const files: string[] = [];
  const rows: Record<string, unknown> = {};
  const dependencies: Record<string, string> = {};
  for (const one of counted(packages, Number)) {
    const name = one % 5 === 0 ? `@scope-${one % 20}/package-${one}` : `package-${one}`;
    const within =
      one % 7 === 6 ? `node_modules/${one % 5 === 1 ? `@scope-${(one - 1) % 20}/` : ''}package-${one - 1}/` : '';
    const key = `${within}node_modules/${name}`;
    if (within === '') dependencies[name] = '1.0.0';
    rows[key] = {
      version: '1.0.0',
      resolved: `https://registry.example.org/${name}/-/package-${one}-1.0.0.tgz`,
      integrity: `sha512-${'A'.repeat(86)}==`,
      ...((one + 1) % 7 === 6 && one + 1 < packages ? { dependencies: { [nameAt(one + 1)]: '1.0.0' } } : {}),
    };
    const own = [`${key}/package.json`, ...counted(each - 1, (file) => `${key}/lib/part${file % 5}/file-${file}.js`)];
    for (const path of own) lay(`${top}/${path}`, text);
    lay(
      `${top}/${key}/package.json`,
      JSON.stringify({ name, version: '1.0.0', dependencies: (rows[key] as { dependencies?: object }).dependencies }),
    );
    files.push(...own.map((path) => `${top}/${path}`));
  }
  lay(`${top}/package.json`, JSON.stringify({ name: 'study', version: '1.0.0', dependencies }));
  lay(
    `${top}/node_modules/.package-lock.json`,
    JSON.stringify({ name: 'study', version: '1.0.0', lockfileVersion: 3, requires: true, packages: rows }),
  );
  return { files: files.sort() };
}

function nameAt(one: number): string {
  return one % 5 === 0 ? `@scope-${one % 20}/package-${one}` : `package-${one}`;
}

/** A work tree of git. */
export async function layGit(root: string, top: string, many: number): Promise<Part> {
  const lay = layer(root);
  const files = counted(many, (one) => `${top}/part${one % 20}/file-${one}.py`);
  for (const [index, path] of files.entries()) lay(path, `${text}${index}\n`);
  await gitIn(join(root, top), 'init', '-q', '-b', 'main');
  await gitIn(join(root, top), 'add', '-A');
  await gitIn(join(root, top), 'commit', '-q', '-m', 'all of it');
  return { files: files.sort() };
}

/** A repository of git-annex with that many keys; the files are links, and what they lead to. */
export async function layAnnex(root: string, top: string, keys: number): Promise<Part> {
  const names = counted(keys, (one) => `part${one % 20}/file-${one}.dat`);
  await fakeAnnex(join(root, top), {
    locked: Object.fromEntries(names.map((name, index) => [name, `${text}${index}\n`])),
    urls: Object.fromEntries(names.slice(0, keys / 2).map((name) => [name, `https://data.example.org/${name}`])),
  });
  return { files: names.map((name) => `${top}/${name}`).sort() };
}

function counted<T>(many: number, make: (one: number) => T): T[] {
  return Array.from({ length: many }, (_, one) => make(one));
}
