import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

import type { AnyDistribution, Root, TraceContext } from '../../src/contract/index.ts';
import { openStore } from '../../src/archives/store.ts';
import { distributions } from '../../src/distributions/index.ts';
import { parseWorkingCopy } from '../../src/distributions/svn/database.ts';
import { inflateLz4 } from '../../src/toolkits/apt/read/lz4.ts';
import { parseHeader } from '../../src/toolkits/rpm/header.ts';
import { readBdb } from '../../src/toolkits/rpm/read/bdb.ts';
import { readNdb } from '../../src/toolkits/rpm/read/ndb.ts';
import { toPackage } from '../../src/toolkits/rpm/read/package.ts';
import { readSqlite } from '../../src/toolkits/rpm/read/sqlite.ts';
import { parseElf } from '../../src/toolkits/trees/elf.ts';
import { readEwah } from '../../src/toolkits/vcs/ewah.ts';
import { parseIndex } from '../../src/toolkits/vcs/index-file.ts';
import { applyDelta, parseLoose, parsePacked, parseTreeObject } from '../../src/toolkits/vcs/object-file.ts';
import { parsePackIndex } from '../../src/toolkits/vcs/pack-index.ts';
import { readObjects } from '../../src/toolkits/vcs/read-objects.ts';
import { readRefs } from '../../src/toolkits/vcs/refs.ts';
import { readWorkTree } from '../../src/toolkits/vcs/worktree.ts';
import { findInterpreter } from '../../src/tracers/strace/programs.ts';
import { rpmDatabases } from '../fakes/rpm-databases.ts';
import { withRoot, type Parser } from './parser.ts';
import {
  condaFiles,
  debianFiles,
  gitFiles,
  npmFiles,
  rpmHeader,
  systems,
  venvFiles,
  workingCopy,
  type Files,
} from './systems.ts';

/** Parsers of binary databases, and whole roots in which one file is broken. */
export async function databases(folder: string): Promise<Parser[]> {
  const repository = await gitFiles(join(folder, 'git'));
  const find = (end: string) => Object.entries(repository).find(([path]) => path.endsWith(end))?.[1] ?? Buffer.alloc(0);
  const header = rpmHeader();
  const rpms = {
    sqlite: rpmDatabases.sqlite.of([header]),
    ndb: rpmDatabases.ndb.of([header]),
    bdb: rpmDatabases.bdb.of([header]),
  };
  const wc = workingCopy(join(folder, 'wc.db'));
  const [system] = await systems(join(folder, 'systems'));
  const context: TraceContext = {
    store: openStore(join(folder, 'store')),
    onProgress: () => {},
    signal: new AbortController().signal,
    settings: () => ({}),
    scope: 'all',
    keep: false,
    whole: [],
    ...(system === undefined ? {} : { ran: system.ran }),
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
    binary('ELF, dynamic', [readFileSync('/bin/true')], parseElf),
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
    ...small.flatMap(([type, below, path]) => {
      const own = Object.entries(system?.files ?? {}).filter(([name]) => below.some((top) => name.startsWith(top)));
      return claimed(type, Object.fromEntries(own), path);
    }),
    ...['HEAD', 'config'].map((name) => claimed('datalad', repository, `/w/.git/${name}`)),
  ];
}

const site = '/usr/local/lib/python3.11/dist-packages';
/** Of a whole machine: the type, the folders that it has there, and the file that is broken. */
const small: readonly (readonly [type: string, below: readonly string[], broken: string])[] = [
  ['datalad', ['/data/'], '/data/.git/index'],
  ['pip', [`${site}/`], `${site}/other-2.0.dist-info/RECORD`],
  ['pip', [`${site}/`], `${site}/other-2.0.dist-info/METADATA`],
  ['r', ['/usr/local/lib/R/'], '/usr/local/lib/R/site-library/demo/DESCRIPTION'],
  ['gem', ['/var/lib/gems/'], '/var/lib/gems/3.1.0/specifications/demo-1.0.0.gemspec'],
  ['modules', ['/apps/'], '/apps/mf/tool/1.0'],
  ['prefix', ['/srv/hand/'], '/srv/hand/1.0/.spack/spec.json'],
];

/** One distribution looks at the root as a trace does; it takes no other's paths and none that were not asked for. */
async function claimAll(type: string, paths: readonly string[], root: Root, context: TraceContext): Promise<unknown> {
  const distribution: AnyDistribution | undefined = distributions.find((one) => one.type === type);
  if (distribution === undefined) return undefined;
  const owned = await distribution.claim(paths, root, context);
  // those that may ask an index about what they find are not asked here
  if (['debian', 'redhat', 'git', 'svn', 'datalad', 'r', 'gem', 'modules', 'prefix'].includes(type))
    await distribution.describe(owned, root, context);
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
