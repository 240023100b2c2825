import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deflateSync } from 'node:zlib';

import type { AnyDistribution, Root, TraceContext } from '../../src/contract/index.ts';
import { openStore } from '../../src/archives/store.ts';
import { distributions } from '../../src/distributions/index.ts';
import { parseWorkingCopy } from '../../src/distributions/svn/database.ts';
import { inflateLz4 } from '../../src/toolkits/apt/read/lz4.ts';
import { buildHeader, int32, texts } from '../../src/toolkits/rpm/lay/build-header.ts';
import { parseHeader, tags } from '../../src/toolkits/rpm/header.ts';
import { readBdb } from '../../src/toolkits/rpm/read/bdb.ts';
import { readNdb } from '../../src/toolkits/rpm/read/ndb.ts';
import { toPackage } from '../../src/toolkits/rpm/read/package.ts';
import { readSqlite } from '../../src/toolkits/rpm/read/sqlite.ts';
import { readEwah } from '../../src/toolkits/vcs/ewah.ts';
import { parseIndex } from '../../src/toolkits/vcs/index-file.ts';
import { applyDelta, parseLoose, parsePacked, parseTreeObject } from '../../src/toolkits/vcs/object-file.ts';
import { parsePackIndex } from '../../src/toolkits/vcs/pack-index.ts';
import { readObjects } from '../../src/toolkits/vcs/read-objects.ts';
import { readRefs } from '../../src/toolkits/vcs/refs.ts';
import { readWorkTree } from '../../src/toolkits/vcs/worktree.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { findInterpreter } from '../../src/tracers/strace/programs.ts';
import { rpmDatabases } from '../fakes/rpm-databases.ts';
import { fileOf, withRoot, type Parser } from './parser.ts';

type Files = Record<string, Buffer>;

/** Parsers of binary databases, and whole roots in which one file is broken. */
export async function databases(folder: string): Promise<Parser[]> {
  const repository = await gitFiles(join(folder, 'git'));
  const find = (end: string) => Object.entries(repository).find(([path]) => path.endsWith(end))?.[1] ?? Buffer.alloc(0);
  const header = buildHeader([
    texts(tags.name, ['bash'], 6),
    texts(tags.version, ['5.1'], 6),
    texts(tags.release, ['6.el9'], 6),
    texts(tags.architecture, ['x86_64'], 6),
    texts(tags.baseNames, ['bash', 'sh'], 8),
    texts(tags.directoryNames, ['/usr/bin/'], 8),
    int32(tags.directoryIndexes, [0, 0]),
  ]);
  const rpms = {
    sqlite: rpmDatabases.sqlite.of([header]),
    ndb: rpmDatabases.ndb.of([header]),
    bdb: rpmDatabases.bdb.of([header]),
  };
  const wc = workingCopy(join(folder, 'wc.db'));
  const context: TraceContext = {
    store: openStore(join(folder, 'store')),
    onProgress: () => {},
    signal: new AbortController().signal,
    settings: () => ({}),
    scope: 'all',
    keep: false,
    whole: [],
  };
  const binary = (
    name: string,
    seeds: readonly Buffer[],
    parse: (bytes: Buffer) => unknown,
    more: Partial<Parser> = {},
  ): Parser => ({ name, seeds, parse, ...more });
  const inRoot = (
    name: string,
    files: Files,
    broken: string,
    use: (root: Root) => Promise<unknown>,
    weight = 1,
  ): Parser => ({
    name,
    weight,
    throws: 'nothing',
    seeds: [files[broken] ?? Buffer.alloc(0)],
    parse: async (bytes) => await withRoot({ ...files, [broken]: bytes }, use),
  });
  const claimed = (type: string, files: Files, broken: string) =>
    inRoot(
      `${type}: ${broken}`,
      files,
      broken,
      async (root) => await claimAll(type, Object.keys(files), root, context),
    );
  const worktree = async (root: Root) => {
    const tree = await readWorkTree(root, '/w');
    const objects = await readObjects(root, '/w/.git', 'sha1');
    const refs = await readRefs(root, '/w/.git');
    for (const { id } of refs) await objects.read(id);
    return tree;
  };
  const git = [
    '/w/.git/HEAD',
    '/w/.git/config',
    '/w/.git/index',
    '/w/.git/packed-refs',
    ...Object.keys(repository).filter((path) => /\.(?:pack|idx)$/.test(path)),
  ];
  return [
    binary('git index', [find('.git/index')], (bytes) => parseIndex(bytes, 20), { weight: 3 }),
    binary('git pack index', [find('.idx')], (bytes) => parsePackIndex(bytes, 20)),
    binary('git packed object', [find('.pack').subarray(12)], (bytes) => parsePacked(bytes, 12, 20), { weight: 2 }),
    binary('git loose object', [deflateSync('blob 5\0hello'), deflateSync('tree 0\0')], parseLoose),
    binary('git tree', [Buffer.from(`100644 a\0${'x'.repeat(20)}40000 b\0${'y'.repeat(20)}`)], (bytes) =>
      parseTreeObject(bytes, 20),
    ),
    binary('git delta', [Buffer.from('0b0b900b', 'hex'), Buffer.from('0b0691060568656c6c6f', 'hex')], (bytes) =>
      applyDelta(Buffer.from('hello world'), bytes),
    ),
    binary('ewah', [Buffer.from('0000004000000002000000020000000100000000000000ff00000000', 'hex')], (bytes) =>
      tryEwah(bytes),
    ),
    binary('ELF', [readFileSync('/bin/true').subarray(0, 4096), Buffer.from('#! /usr/bin/env python3\n')], (bytes) =>
      findInterpreter((at, length) => bytes.subarray(at, at + length), '/x', []),
    ),
    binary(
      'lz4',
      [Buffer.from('BCJNGGRApxAAAABvaGVsbG8gBgAFUGhlbGxvAAAAAL2c1nQ=', 'base64')],
      (bytes) => inflateLz4(bytes, 2 ** 20),
      { throws: 'plain errors' },
    ),
    binary('rpm header', [header], (bytes) => [parseHeader(bytes), toPackage(bytes)], { weight: 3 }),
    binary('rpm ndb', [rpms.ndb], readNdb, { throws: 'plain errors' }),
    binary('rpm bdb', [rpms.bdb], readBdb, { throws: 'plain errors' }),
    binary('rpm sqlite', [rpms.sqlite], async (bytes) => await readSqlite(bytes), { throws: 'plain errors' }),
    binary('svn wc.db', [wc], async (bytes) => await parseWorkingCopy(bytes)),
    ...git.map((broken) =>
      inRoot(`git root: ${broken.replace(/pack-[0-9a-f]+/, 'pack')}`, repository, broken, worktree),
    ),
    claimed('debian', debianFiles(), '/var/lib/dpkg/status'),
    claimed('debian', debianFiles(), '/var/lib/dpkg/info/bash.md5sums'),
    claimed('debian', debianFiles(), '/var/lib/dpkg/diversions'),
    claimed('debian', debianFiles(), '/etc/os-release'),
    claimed(
      'redhat',
      {
        '/etc/os-release': Buffer.from('ID=fedora\n'),
        '/var/lib/rpm/rpmdb.sqlite': rpms.sqlite,
        '/usr/bin/bash': Buffer.from('x'),
      },
      '/var/lib/rpm/rpmdb.sqlite',
    ),
    claimed(
      'redhat',
      {
        '/etc/os-release': Buffer.from('ID=fedora\n'),
        '/var/lib/rpm/Packages': rpms.bdb,
        '/usr/bin/bash': Buffer.from('x'),
      },
      '/var/lib/rpm/Packages',
    ),
    claimed('svn', { '/w/.svn/wc.db': wc, '/w/a': Buffer.from('a') }, '/w/.svn/wc.db'),
    claimed('conda', condaFiles(), '/opt/c/conda-meta/x-1-0.json'),
    claimed('venv', venvFiles(), '/v/lib/python3.11/site-packages/demo-1.0.dist-info/RECORD'),
    claimed('venv', venvFiles(), '/v/pyvenv.cfg'),
    claimed('npm', npmFiles(), '/p/node_modules/.package-lock.json'),
    claimed('npm', npmFiles(), '/p/node_modules/b/package.json'),
    claimed('git', repository, '/w/.git/index'),
    ...['HEAD', 'config'].map((name) => claimed('datalad', repository, `/w/.git/${name}`)),
  ];
}

/** One distribution looks at the root as a trace does; it takes no other's paths and none that were not asked for. */
async function claimAll(type: string, paths: readonly string[], root: Root, context: TraceContext): Promise<unknown> {
  const distribution: AnyDistribution | undefined = distributions.find((one) => one.type === type);
  if (distribution === undefined) return undefined;
  const owned = await distribution.claim(paths, root, context);
  // those that may ask an index about what they find are not asked here
  if (['debian', 'git', 'svn', 'datalad'].includes(type)) await distribution.describe(owned, root, context);
  for (const path of owned.keys()) if (!paths.includes(path)) throw new TypeError(`${path} was not asked about`);
  return undefined;
}

/** Bits of an index come with their place: what is cut short is said by throwing a RangeError, which its reader catches. */
function tryEwah(bytes: Buffer): unknown {
  try {
    return readEwah(bytes, 0);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function gitFiles(top: string): Promise<Files> {
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
function workingCopy(file: string): Buffer {
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

function debianFiles(): Files {
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

function condaFiles(): Files {
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

function venvFiles(): Files {
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

function npmFiles(): Files {
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
