import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Ran } from '../../src/contract/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { buildHeader, int32, texts } from '../../src/toolkits/rpm/lay/build-header.ts';
import { tags } from '../../src/toolkits/rpm/header.ts';
import { rpmDatabases } from '../fakes/rpm-databases.ts';
import { fileOf } from './parser.ts';

export type Files = Record<string, Buffer>;

/** A machine with something of many distributions. */
export interface System {
  readonly files: Files;
  /** The type and the database that tells what it has; each can be broken by itself. */
  readonly databases: readonly (readonly [type: string, path: string])[];
  readonly ran: Ran;
}

/** Two of them: what stands alone can't be there twice. */
export async function systems(folder: string): Promise<readonly System[]> {
  const site = '/usr/local/lib/python3.11/dist-packages';
  const common: Files = {
    ...(await gitFiles(join(folder, 'git'))),
    ...renamed(await gitFiles(join(folder, 'dataset'), datasetFiles), '/w/', '/data/'),
    '/svn/.svn/wc.db': workingCopy(join(folder, 'system-wc.db')),
    '/svn/a': Buffer.from('a'),
    ...condaFiles(),
    ...venvFiles(),
    ...npmFiles(),
    ...buffers({
      [`${site}/other/__init__.py`]: 'x',
      [`${site}/other-2.0.dist-info/METADATA`]: 'Metadata-Version: 2.1\nName: other\nVersion: 2.0\n',
      [`${site}/other-2.0.dist-info/RECORD`]:
        'other/__init__.py,sha256=LXEWQrcmsEQBYnyp--6wy9chTD7GQPMTbAiWHF5IaSI,1\nother-2.0.dist-info/RECORD,,\n',
      [`${site}/other-2.0.dist-info/INSTALLER`]: 'pip\n',
      '/usr/local/lib/R/site-library/demo/DESCRIPTION': 'Package: demo\nVersion: 1.2-3\nBuilt: R 4.2.2; ; 2024; unix\n',
      '/usr/local/lib/R/site-library/demo/Meta/package.rds': 'x',
      '/usr/local/lib/R/site-library/demo/R/demo.rdb': 'x',
      '/var/lib/gems/3.1.0/specifications/demo-1.0.0.gemspec':
        'Gem::Specification.new do |s|\n  s.name = "demo".freeze\n  s.version = "1.0.0"\nend\n',
      '/var/lib/gems/3.1.0/gems/demo-1.0.0/lib/demo.rb': 'x',
      '/apps/mf/tool/1.0': '#%Module1.0\nprepend-path PATH /apps/tool/1.0/bin\nsetenv TOOL_HOME /apps/tool/1.0\n',
      '/apps/tool/1.0/bin/tool': 'x',
      '/srv/hand/1.0/bin/hand': 'x',
      '/srv/hand/1.0/.spack/spec.json': '{"spec":{"nodes":[{"name":"hand","version":"1.0","hash":"abcdefg"}]}}',
    }),
  };
  const databases = [
    ['git', '/w/.git/index'],
    ['git', '/w/.git/HEAD'],
    ['datalad', '/data/.git/index'],
    ['svn', '/svn/.svn/wc.db'],
    ['conda', '/opt/c/conda-meta/x-1-0.json'],
    ['venv', '/v/lib/python3.11/site-packages/demo-1.0.dist-info/RECORD'],
    ['venv', '/v/lib/python3.11/site-packages/demo-1.0.dist-info/METADATA'],
    ['pip', `${site}/other-2.0.dist-info/RECORD`],
    ['npm', '/p/node_modules/.package-lock.json'],
    ['r', '/usr/local/lib/R/site-library/demo/DESCRIPTION'],
    ['gem', '/var/lib/gems/3.1.0/specifications/demo-1.0.0.gemspec'],
    ['modules', '/apps/mf/tool/1.0'],
    ['prefix', '/srv/hand/1.0/.spack/spec.json'],
  ] as const;
  const ran: Ran = {
    env: {
      LOADEDMODULES: 'tool/1.0',
      _LMFILES_: '/apps/mf/tool/1.0',
      MODULEPATH: '/apps/mf',
      TOOL_HOME: '/apps/tool/1.0',
    },
    directory: '/srv',
    programs: [],
  };
  const fedora = buffers({ '/etc/os-release': 'ID=fedora\nVERSION_ID=40\n', '/usr/bin/bash': 'x' });
  return [
    {
      files: { ...debianFiles(), ...common },
      databases: [['debian', '/var/lib/dpkg/status'], ['debian', '/var/lib/dpkg/info/bash.list'], ...databases],
      ran,
    },
    {
      files: { ...fedora, '/var/lib/rpm/rpmdb.sqlite': rpmDatabases.sqlite.of([rpmHeader()]), ...common },
      databases: [['redhat', '/var/lib/rpm/rpmdb.sqlite']],
      ran,
    },
    {
      files: { ...fedora, '/var/lib/rpm/Packages': rpmDatabases.bdb.of([rpmHeader()]), ...common },
      databases: [['redhat', '/var/lib/rpm/Packages']],
      ran,
    },
  ];
}

const datasetFiles = { '.datalad/config': '[datalad "dataset"]\n\tid = 557a9bbd-9a7e-46f9-ad7d-fece6fb4ec17\n' };

function renamed(files: Files, from: string, to: string): Files {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path.startsWith(from) ? to + path.slice(from.length) : path,
      content,
    ]),
  );
}

/** One installed package of an rpm database. */
export function rpmHeader(): Buffer {
  return buildHeader([
    texts(tags.name, ['bash'], 6),
    texts(tags.version, ['5.1'], 6),
    texts(tags.release, ['6.el9'], 6),
    texts(tags.architecture, ['x86_64'], 6),
    texts(tags.baseNames, ['bash'], 8),
    texts(tags.directoryNames, ['/usr/bin/'], 8),
    int32(tags.directoryIndexes, [0]),
    int32(tags.fileSizes, [1]),
    int32(tags.fileModes, [0o100755]),
    texts(tags.fileDigests, [createHash('sha256').update('x').digest('hex')], 8),
    int32(tags.digestAlgorithm, [8]),
  ]);
}

export async function gitFiles(top: string, more: Readonly<Record<string, string>> = {}): Promise<Files> {
  for (const [name, content] of Object.entries(more)) fileOf(top, name, Buffer.from(content));
  fileOf(top, 'a.txt', Buffer.from('one\n'));
  fileOf(top, 'd/b.txt', Buffer.from('two\n'.repeat(100)));
  const git = async (...words: readonly string[]) => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
    await runProcess(['git', ...identity, ...words], {
      cwd: top,
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
    });
  };
  await git('init', '-q', '-b', 'main');
  await git('remote', 'add', 'origin', 'https://git.example.org/study.git');
  await git('config', 'core.untrackedCache', 'true');
  await git('add', '.');
  await git('commit', '-q', '-m', 'one');
  writeFileSync(join(top, 'd/b.txt'), 'two\n'.repeat(99));
  await git('commit', '-q', '-a', '-m', 'two');
  await git('tag', '-a', 'v1', '-m', 'v1');
  await git('gc', '-q', '--aggressive');
  const files: Files = {};
  for (const name of readdirSync(top, { recursive: true, encoding: 'utf8' })) {
    const file = join(top, name);
    if (statSync(file).isFile() && !name.includes('hooks/') && !name.endsWith('.rev'))
      files[`/w/${name}`] = readFileSync(file);
  }
  return files;
}

/** As Subversion makes it (subversion/libsvn_wc/wc-metadata.sql), in short. */
export function workingCopy(file: string): Buffer {
  const database = new DatabaseSync(file);
  database.exec(`
    CREATE TABLE REPOSITORY (id INTEGER PRIMARY KEY, root TEXT, uuid TEXT);
    CREATE TABLE NODES (wc_id INTEGER, local_relpath TEXT, op_depth INTEGER, parent_relpath TEXT, repos_id INTEGER,
      repos_path TEXT, revision INTEGER, presence TEXT, moved_here INTEGER, moved_to TEXT, kind TEXT, properties BLOB,
      depth TEXT, checksum TEXT, symlink_target TEXT, changed_revision INTEGER, changed_date INTEGER,
      changed_author TEXT, translated_size INTEGER, last_mod_time INTEGER, dav_cache BLOB, file_external INTEGER);
    CREATE TABLE ACTUAL_NODE (wc_id INTEGER, local_relpath TEXT, parent_relpath TEXT, properties BLOB, conflict_old TEXT,
      conflict_new TEXT, conflict_working TEXT, prop_reject TEXT, changelist TEXT, text_mod TEXT,
      tree_conflict_data TEXT, conflict_data BLOB);
    CREATE TABLE EXTERNALS (wc_id INTEGER, local_relpath TEXT, parent_relpath TEXT, repos_id INTEGER, presence TEXT,
      kind TEXT, def_local_relpath TEXT, def_repos_relpath TEXT, def_operational_revision TEXT, def_revision TEXT);
    INSERT INTO REPOSITORY VALUES (1, 'https://svn.example.org/r', '11111111-2222-4333-8444-555555555555');
    INSERT INTO NODES (local_relpath, op_depth, repos_id, repos_path, revision, presence, kind, properties)
      VALUES ('', 0, 1, 'trunk', 7, 'normal', 'dir', '()');
    INSERT INTO NODES (local_relpath, op_depth, repos_id, repos_path, revision, presence, kind, properties, checksum,
      translated_size, last_mod_time)
      VALUES ('a', 0, 1, 'trunk/a', 7, 'normal', 'file', '(svn:eol-style 6 native)', '$sha1$86f7e437faa5a7fce15d1ddcb9eaeaea377667b8', 1, 1);
  `);
  database.close();
  return readFileSync(file);
}

export function debianFiles(): Files {
  const status =
    'Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\nConffiles:\n /etc/bash.bashrc 89269e1298235f1b12b4c16e4065ad0d\n\nPackage: libc6\nStatus: hold ok installed\nVersion: 2.36\nArchitecture: amd64\nMulti-Arch: same\n';
  const files: Record<string, string> = {
    '/var/lib/dpkg/status': status,
    '/var/lib/dpkg/arch': 'amd64\n',
    '/var/lib/dpkg/diversions': '/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n',
    '/var/lib/dpkg/info/bash.list': '/.\n/bin\n/bin/bash\n',
    '/var/lib/dpkg/info/bash.md5sums': `${'a'.repeat(32)}  bin/bash\n`,
    '/var/lib/dpkg/info/libc6:amd64.list': '/.\n/lib/libc.so.6\n',
    '/etc/os-release': 'ID=debian\nVERSION_CODENAME="bookworm"\nVERSION_ID="12"\n',
    '/bin/bash': 'x',
    '/lib/libc.so.6': 'x',
  };
  return buffers(files);
}

export function condaFiles(): Files {
  const record = {
    name: 'x',
    version: '1',
    build: '0',
    channel: 'https://c.example.org/main',
    files: ['lib/x'],
    paths_data: {
      paths: [{ _path: 'lib/x', path_type: 'hardlink', sha256_in_prefix: 'a'.repeat(64) }],
      paths_version: 1,
    },
  };
  return buffers({
    '/opt/c/conda-meta/history': '==> x <==\n',
    '/opt/c/conda-meta/x-1-0.json': JSON.stringify(record),
    '/opt/c/lib/x': 'x',
  });
}

export function venvFiles(): Files {
  const site = '/v/lib/python3.11/site-packages';
  return buffers({
    '/v/pyvenv.cfg': 'home = /usr/bin\nversion = 3.11.2\n',
    '/v/bin/python3': 'x',
    [`${site}/demo/__init__.py`]: 'x',
    [`${site}/demo-1.0.dist-info/METADATA`]: 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n',
    [`${site}/demo-1.0.dist-info/RECORD`]:
      'demo/__init__.py,sha256=LXEWQrcmsEQBYnyp--6wy9chTD7GQPMTbAiWHF5IaSI,1\ndemo-1.0.dist-info/RECORD,,\n../../../bin/x,,\n',
    [`${site}/demo-1.0.dist-info/INSTALLER`]: 'pip\n',
  });
}

export function npmFiles(): Files {
  const lock = {
    name: 'p',
    lockfileVersion: 3,
    packages: { 'node_modules/b': { version: '1.0.0', resolved: 'https://r.example.org/b.tgz' } },
  };
  return buffers({
    '/p/package.json': '{"name":"p","dependencies":{"b":"^1"}}',
    '/p/node_modules/.package-lock.json': JSON.stringify(lock),
    '/p/node_modules/b/package.json': '{"name":"b","version":"1.0.0","main":"b.js"}',
    '/p/node_modules/b/b.js': 'x',
  });
}

function buffers(files: Readonly<Record<string, string>>): Files {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
}
