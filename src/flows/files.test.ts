import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { contexts } from '../../test/fakes/contexts.ts';
import type { Access, TraceResult } from '../contract/index.ts';
import { sha256 } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { withListed } from './files/listed.ts';
import { classify, impliedPaths, lockFiles, snapshotBefore } from './files.ts';

const nothing: Access = {
  path: '',
  read: false,
  written: false,
  executed: false,
  writtenFirst: false,
  removed: false,
  directory: false,
  asked: false,
  via: [],
  foreign: false,
};
const read = (path: string, more: Partial<Access> = {}): Access => ({ ...nothing, path, read: true, ...more });
const made = (path: string, more: Partial<Access> = {}): Access => ({
  ...nothing,
  path,
  written: true,
  writtenFirst: true,
  ...more,
});
const folder = (path: string, more: Partial<Access> = {}): Access => ({ ...nothing, path, directory: true, ...more });

function trace(accesses: readonly Access[], directories: readonly string[] = []): TraceResult {
  return { status: 0, accesses, directories, programs: [], sockets: [], notes: [] };
}

const study = { directory: '/home/u/study', inputs: [], outputs: [], except: [] };
const owned = (...paths: string[]) => new Map(paths.map((path) => [path, { owners: [{ key: 'p' }] }]));

test('inputs, outputs and loose files are told apart', () => {
  const found = classify(
    trace([
      read('/usr/bin/sh'),
      read('/home/u/study/run'),
      read('/home/u/study/data.txt'),
      read('/home/u/.config/tool.ini'),
      read('/data/big.nii'),
      made('/home/u/study/out/table.tsv'),
      read('/home/u/study/log', { written: true }),
      { ...nothing, path: '/home/u/study/appended', written: true },
      made('/home/u/study/scratch', { removed: true }),
      read('/home/u/study/consumed', { removed: true }),
      { ...nothing, path: '/home/u/study/deleted', removed: true, written: true },
      made('/tmp/x', { read: true }),
      made('/elsewhere/result'),
      made('/home/u/study/.git/index'),
      read('/home/u/study-2/near'),
    ]),
    owned('/usr/bin/sh', '/home/u/study/run'),
    { ...study, inputs: ['/data'], outputs: ['/elsewhere'] },
  );
  assert.deepEqual(found.inputs, [
    '/data/big.nii',
    '/home/u/study/consumed',
    '/home/u/study/data.txt',
    '/home/u/study/deleted',
    '/home/u/study/log',
  ]);
  assert.deepEqual(found.outputs, [
    '/elsewhere/result',
    '/home/u/study/appended',
    '/home/u/study/log',
    '/home/u/study/out/table.tsv',
  ]);
  assert.deepEqual(found.loose, ['/home/u/.config/tool.ini', '/home/u/study-2/near']);
  const ignored = new Map(found.ignored.map(({ path, because }) => [path, because]));
  assert.equal(ignored.get('/home/u/study/scratch'), 'made and taken away again');
  assert.equal(ignored.get('/tmp/x'), 'written outside of the directory of the run');
  assert.ok(ignored.has('/home/u/study/.git/index'));
});

test('an output that somebody owns is one all the same', () => {
  const path = '/home/u/study/results.csv';
  const found = classify(trace([made(path)]), owned(path), study);
  assert.deepEqual([found.inputs, found.outputs, found.loose], [[], [path], []]);
});

test('the kernel’s trees, this machine’s own files, our own and other roots are no environment', () => {
  const paths = [
    '/proc/self/maps',
    '/sys/x',
    '/dev/null',
    '/run/u',
    '/etc/resolv.conf',
    '/home/u/study/repronim.yaml',
    '/state/x',
  ];
  const found = classify(trace([...paths.map((path) => read(path)), read('/bin/x', { foreign: true })]), owned(), {
    ...study,
    except: ['/home/u/study/repronim.yaml', '/state'],
  });
  assert.deepEqual([found.inputs, found.outputs, found.loose], [[], [], []]);
  assert.equal(found.ignored.length, 8);
});

test('links on the way come back as links, names that lead through them do not', () => {
  const found = classify(
    trace([
      read('/data/v2/scan', { via: ['/home/u/study/now', '/home/u/study/now/scan'] }),
      read('/usr/bin/awk', { via: ['/usr/bin/mawk'] }),
    ]),
    owned('/usr/bin/awk', '/usr/bin/mawk'),
    study,
  );
  assert.deepEqual([found.inputs, found.loose], [['/home/u/study/now'], ['/data/v2/scan']]);
});

test('compiled Python stands for its source', () => {
  const cache = '/home/u/study/pkg/__pycache__/m.cpython-311.pyc';
  assert.deepEqual(impliedPaths([cache, '/x/__pycache__/n.cpython-312.opt-1.pyc', '/x/y.pyc']), [
    '/home/u/study/pkg/m.py',
    '/x/n.py',
  ]);
  const found = classify(trace([read(cache), made('/home/u/study/pkg/__pycache__/o.cpython-311.pyc')]), owned(), study);
  assert.deepEqual([found.inputs, found.outputs], [['/home/u/study/pkg/m.py'], []]);
});

test('folders: those worked in, written into, and above; not those made, owned, or every system’s', () => {
  const tree = new Map([
    ['/home/u/study/src/a', { owners: [{ key: '/home/u/study/src', instance: '/home/u/study/src' }] }],
  ]);
  const found = classify(
    trace(
      [
        folder('/usr/lib/python3'),
        folder('/home/u/study/empty'),
        folder('/home/u/study/src'),
        folder('/home/u/study/new', { written: true, writtenFirst: true }),
        made('/home/u/study/new/x'),
        made('/home/u/study/out/y'),
        made('/home/u/.cache/tool/z'),
      ],
      ['/home/u/study'],
    ),
    tree,
    study,
  );
  assert.deepEqual(found.directories, [
    '/home/u',
    '/home/u/.cache',
    '/home/u/.cache/tool',
    '/home/u/study',
    '/home/u/study/empty',
    '/home/u/study/out',
  ]);
});

test('files are locked by content; secrets, private and large ones are left, and named', async (t) => {
  const { folder: top, store } = contexts(t);
  const at = (path: string) => join(top, path);
  mkdirSync(at('home/.ssh'), { recursive: true });
  writeFileSync(at('home/plain'), 'plain\n');
  utimesSync(at('home/plain'), 1_600_000_000, 1_600_000_000);
  writeFileSync(at('home/private'), 'p', { mode: 0o640 });
  writeFileSync(at('home/.ssh/known_hosts'), 'k');
  writeFileSync(at('home/.env'), 'TOKEN=x');
  writeFileSync(at('home/server.pem'), '-----BEGIN RSA PRIVATE KEY-----\nx\n', { mode: 0o644 });
  writeFileSync(at('home/public.pem'), '-----BEGIN CERTIFICATE-----\nx\n', { mode: 0o644 });
  writeFileSync(at('home/large'), Buffer.alloc(3000));
  symlinkSync('plain', at('home/link'));
  symlinkSync('home', at('alias'));
  mkdirSync(at('home/empty'));
  const root = localRoot(top);
  const names = [
    '/home/plain',
    '/alias/plain',
    '/home/private',
    '/home/.ssh/known_hosts',
    '/home/.env',
    '/home/server.pem',
    '/home/public.pem',
    '/home/large',
    '/home/link',
    '/home/empty',
    '/home',
    '/gone',
  ];
  const options = { root, store, keep: true, limits: { file: 2000 }, include: [] };
  const { files, notes } = await lockFiles(names, options);
  const byPath = new Map(files.map((file) => [file.path, file]));
  assert.deepEqual(byPath.get('/home/plain'), {
    path: '/home/plain',
    mode: '0644',
    mtime: 1_600_000_000,
    size: 6,
    sha256: sha256('plain\n'),
  });
  assert.equal(readFileSync((await store.find(sha256('plain\n'))) ?? '', 'utf8'), 'plain\n');
  assert.deepEqual(
    files.map(({ path, left }) => [path, left]),
    [
      ['/home/.env', 'secret'],
      ['/home/.ssh/known_hosts', 'secret'],
      ['/home/empty', undefined],
      ['/home/large', 'limit'],
      ['/home/link', undefined],
      ['/home/plain', undefined],
      ['/home/private', 'private'],
      ['/home/public.pem', undefined],
      ['/home/server.pem', 'secret'],
    ],
  );
  assert.equal(byPath.get('/home/.env')?.sha256, undefined, 'not even a digest');
  assert.equal(await store.find(sha256('TOKEN=x')), undefined);
  assert.deepEqual(byPath.get('/home/link'), { path: '/home/link', link: 'plain' });
  assert.deepEqual(byPath.get('/home/empty'), { path: '/home/empty', mode: '0755', directory: true });
  assert.equal(notes.length, 5);
  const included = await lockFiles(['/home/private', '/home/.env', '/home/server.pem'], {
    ...options,
    include: ['/home'],
  });
  assert.ok(included.files.every(({ sha256 }) => sha256 !== undefined));
});

test('inputs and outputs start as they were before the run', async (t) => {
  const { folder: top, store } = contexts(t);
  const run = join(top, 'run');
  const work = join(top, 'work');
  mkdirSync(join(run, 'sub'), { recursive: true });
  mkdirSync(work);
  for (const name of ['kept', 'changed', 'removed', 'same-time', 'huge']) writeFileSync(join(run, name), `${name}\n`);
  writeFileSync(join(run, 'huge'), Buffer.alloc(500));
  symlinkSync('kept', join(run, 'link'));
  chmodSync(join(run, 'changed'), 0o664);
  const before = await snapshotBefore(run, { work, limits: { copy: 400 } });

  appendFileSync(join(run, 'changed'), 'more\n');
  rmSync(join(run, 'removed'));
  const times = statSync(join(run, 'same-time'));
  writeFileSync(join(run, 'same-time'), 'SAME-TIME\n');
  utimesSync(join(run, 'same-time'), times.atime, times.mtime);
  writeFileSync(join(run, 'sub/made'), 'made\n');
  appendFileSync(join(run, 'huge'), 'more');
  rmSync(join(run, 'link'));
  symlinkSync('changed', join(run, 'link'));

  const paths = (...names: string[]) => names.map((name) => join(run, name));
  const options = { root: localRoot(), store, keep: true, limits: {}, include: [] };
  const state = await before.locks(
    {
      inputs: paths('kept', 'changed', 'removed', 'sub/made'),
      outputs: paths('changed', 'same-time', 'sub/made', 'huge', 'link'),
    },
    options,
  );
  const shown = (files: typeof state.inputs) =>
    files.map(({ path, sha256, link, left }) => [path.slice(run.length + 1), sha256 ?? link ?? left]);
  assert.deepEqual(shown(state.inputs), [
    ['changed', sha256('changed\n')],
    ['kept', sha256('kept\n')],
    ['removed', sha256('removed\n')],
  ]);
  assert.deepEqual(shown(state.before), [
    ['huge', 'changed'],
    ['link', 'kept'],
    ['same-time', sha256('same-time\n')],
  ]);
  assert.equal(state.inputs[0]?.mode, '0664');
  assert.ok(await store.find(sha256('removed\n')));
  assert.deepEqual(
    state.notes.map(({ path }) => path),
    paths('huge'),
  );
});

test('names in folders that were listed are asked about, below the directory of the run', async () => {
  const top = mkdtempSync(join(tmpdir(), 'repronim-listed-'));
  try {
    mkdirSync(join(top, 'study/empty'), { recursive: true });
    for (const name of ['read', 'listed', 'made']) writeFileSync(join(top, 'study', name), name);
    writeFileSync(join(top, 'elsewhere'), '');
    const seen = trace([
      folder('/study', { read: true }),
      folder('/', { read: true }),
      read('/study/read'),
      made('/study/made'),
    ]);
    const { accesses } = await withListed(seen, localRoot(top), ['/study']);
    const found = classify(trace(accesses), owned(), { ...study, directory: '/study' });
    assert.deepEqual(found.inputs, ['/study/listed', '/study/read']);
    assert.deepEqual(found.outputs, ['/study/made']);
    assert.ok(found.directories.includes('/study/empty'));
    assert.deepEqual(found.loose, []);
  } finally {
    rmSync(top, { recursive: true });
  }
});
