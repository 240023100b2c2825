import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { parse } from 'valibot';

import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { serve } from '../../../test/fakes/serve.ts';
import { makeWheel, recordHash, type MadeWheel } from '../../../test/fakes/wheel.ts';
import { fetchAll } from '../../archives/fetch.ts';
import { localRoot } from '../../roots/local.ts';
import { changedTree, tracedTree } from '../../toolkits/python/traced-tree.ts';
import { venv } from './index.ts';
import { targetOf } from './resolve.ts';
import { venvLockSchema, venvSchema, type VenvLock, type VenvSpec } from './spec.ts';

const top = '/home/u/env';
const site = `${top}/lib/python3.11/site-packages`;
const zeros = `sha256:${'0'.repeat(64)}` as const;

const small = makeWheel('small', '1.0', {
  'small/__init__.py': 'x = 1\n'.repeat(40),
  'small/data.txt': 'data\n',
  'small-1.0.data/scripts/tool': '#!python\nprint()\n',
  'small-1.0.dist-info/entry_points.txt': '[console_scripts]\nsmall = small.cli:main\n',
});
const unlisted = makeWheel('unlisted', '2', { 'unlisted.py': 'y = 2\n' });

/** As pip installs a wheel, compiled files included. */
function install(root: string, { files }: MadeWheel): void {
  const lines: string[] = [];
  const info = Object.keys(files).find((path) => path.endsWith('RECORD')) ?? '';
  const put = (path: string, content: string) => {
    const script = /\.data\/scripts\/(.*)$/.exec(path)?.[1];
    const relative = script === undefined ? path : `../../../bin/${script}`;
    const place = join(root, site, relative);
    mkdirSync(dirname(place), { recursive: true });
    const text = script === undefined ? content : content.replace('#!python', `#!${top}/bin/python`);
    writeFileSync(place, text);
    lines.push(`${relative},${recordHash(text)},${Buffer.byteLength(text)}`);
    if (!path.endsWith('.py')) return;
    const compiled = join(dirname(place), '__pycache__', `${path.split('/').at(-1)?.slice(0, -3)}.cpython-311.pyc`);
    mkdirSync(dirname(compiled), { recursive: true });
    writeFileSync(compiled, 'compiled');
  };
  for (const [path, content] of Object.entries(files)) if (path !== info) put(path, content);
  put(join(dirname(info), 'INSTALLER'), 'pip\n');
  writeFileSync(join(root, site, info), `${lines.join('\n')}\n${info},,\n`);
}

function layEnvironment(root: string): void {
  mkdirSync(join(root, top, 'bin'), { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/python3'), 'ELF');
  symlinkSync('/usr/bin/python3', join(root, top, 'bin/python'));
  writeFileSync(join(root, top, 'pyvenv.cfg'), 'home = /usr/bin\nversion = 3.11.2\n');
  install(root, small);
  install(root, unlisted);
}

async function world(t: TestContext, answer: 'json' | 'html') {
  const served = contexts(t).folder;
  writeFileSync(join(served, small.file), small.bytes);
  const page = (url: string) => {
    const project = /^\/simple\/(.*)\/$/.exec(url)?.[1];
    if (project === undefined) return undefined;
    if (project !== 'small') return { status: 404, type: 'text/plain', body: '' };
    const files = [
      { filename: small.file, url: `/${small.file}`, hashes: { sha256: small.sha256 }, size: small.bytes.length },
    ];
    return answer === 'json'
      ? { status: 200, type: 'application/vnd.pypi.simple.v1+json', body: JSON.stringify({ files }) }
      : { status: 200, type: 'text/html', body: `<a href="/${small.file}#sha256=${small.sha256}">${small.file}</a>` };
  };
  const index = await serve(served, (request, response) => {
    const found = page(request.url ?? '');
    if (found === undefined) return false;
    response.writeHead(found.status, { 'content-type': found.type }).end(found.body);
    return true;
  });
  t.after(async () => await index[Symbol.asyncDispose]());
  const all = contexts(t, { index: `${index.url}/simple` });
  const root = join(all.folder, 'root');
  layEnvironment(root);
  return { ...all, root, index };
}

async function traceIn(root: string, { tracing }: Awaited<ReturnType<typeof world>>) {
  const place = localRoot(root);
  // a trace of its own
  const context = { ...tracing };
  const owned = await venv.claim([`${site}/small/__init__.py`], place, context);
  const described = await venv.describe(owned, place, context);
  const [first] = described.distributions;
  assert.ok(first !== undefined);
  const spec = parse(venvSchema, JSON.parse(JSON.stringify(first.spec)));
  const lock = parse(venvLockSchema, JSON.parse(JSON.stringify({ of: zeros, ...first.lock })));
  return { spec, lock, standsOn: first.standsOn, notes: described.notes };
}

async function make(spec: VenvSpec, lock: VenvLock, all: Awaited<ReturnType<typeof world>>, name: string) {
  const wanted = await venv.wanted(spec, lock, all.creating);
  const obtained = await fetchAll(wanted, { ...all.creating, work: join(all.folder, 'fetch') });
  const prepared = await venv.prepare?.(spec, lock, all.creating);
  const target = join(all.folder, name);
  mkdirSync(target);
  await unpackSteps(venv.plan(spec, lock, prepared?.made ?? {}), target, all.store);
  return { obtained, prepared, target };
}

for (const answer of ['json', 'html'] as const) {
  test(`what an index has comes from there, all else is kept (${answer})`, async (t) => {
    const all = await world(t, answer);
    appendFileSync(join(all.root, site, 'small/data.txt'), 'changed by hand\n');
    const { spec, lock, standsOn } = await traceIn(all.root, all);
    assert.equal(standsOn, '/usr/bin/python3');
    assert.deepEqual(spec.indexes, [`${all.index.url}/simple`]);
    assert.deepEqual(spec.packages, ['small==1.0', 'unlisted==2']);
    assert.deepEqual(lock.packages, [
      { name: 'small', version: '1.0', file: small.file, size: small.bytes.length, sha256: small.sha256 },
      { name: 'unlisted', version: '2', repacked: true },
    ]);
    const { obtained, prepared, target } = await make(spec, lock, all, 'made');
    assert.deepEqual([obtained.from, obtained.missing, prepared?.missing], [{ stored: 2, index: 1 }, [], []]);
    const at = (path: string) => join(target, path);
    assert.equal(readFileSync(at(`${site}/small/data.txt`), 'utf8'), 'data\nchanged by hand\n');
    assert.equal(readlinkSync(at(`${top}/bin/python`)), '/usr/bin/python3');
    // to the byte, times and modes included: traced again it is the same tree
    mkdirSync(at('usr/bin'), { recursive: true });
    writeFileSync(at('usr/bin/python3'), 'ELF');
    const again = await traceIn(target, all);
    assert.deepEqual(again.lock, lock);
    const place = localRoot(target);
    const sound = await venv.check?.(spec, lock, place, all.tracing);
    assert.deepEqual(sound?.differing, []);
    assert.deepEqual(
      sound?.explained.map(({ path, kind, explained }) => [path, kind, explained]),
      [[`${site}/small/data.txt`, 'changed', 'it was so when it was traced']],
    );
    appendFileSync(at(`${site}/unlisted.py`), 'z = 3\n');
    rmSync(at(`${site}/small/__init__.py`));
    chmodSync(at(`${top}/bin/tool`), 0o600);
    const found = await venv.check?.(spec, lock, place, all.tracing);
    assert.deepEqual(
      found?.differing.map(({ path, kind }) => [path, kind]),
      [
        [`${top}/bin/tool`, 'mode'],
        [`${site}/small/__init__.py`, 'missing'],
        [`${site}/unlisted.py`, 'changed'],
      ],
    );
  });
}

test('a package that is not what an index has under its name is kept', async (t) => {
  const all = await world(t, 'json');
  const record = join(all.root, site, 'small-1.0.dist-info/RECORD');
  const other = recordHash('built elsewhere\n');
  writeFileSync(join(all.root, site, 'small/data.txt'), 'built elsewhere\n');
  writeFileSync(record, readFileSync(record, 'utf8').replace(/^small\/data\.txt,.*$/m, `small/data.txt,${other},16`));
  const { lock, spec } = await traceIn(all.root, all);
  assert.deepEqual(lock.packages[0], { name: 'small', version: '1.0', repacked: true });
  assert.equal(spec.indexes, undefined);
  const { target } = await make(spec, lock, all, 'made');
  assert.equal(readFileSync(join(target, site, 'small/data.txt'), 'utf8'), 'built elsewhere\n');
});

test('the password of an address from which a package came is nowhere, and that is said', async (t) => {
  const all = await world(t, 'json');
  const info = join(all.root, site, 'unlisted-2.dist-info');
  const direct = (user: string) =>
    `{"url": "https://${user}git.example.org/x", "vcs_info": {"vcs": "git", "commit_id": "12ab"}}`;
  writeFileSync(join(info, 'direct_url.json'), direct('me:pa55word@'));
  const [record, line] = [join(info, 'RECORD'), 'unlisted-2.dist-info/direct_url.json'];
  writeFileSync(record, `${line},${recordHash(direct('me:pa55word@'))},99\n${readFileSync(record, 'utf8')}`);
  const { lock, spec, notes } = await traceIn(all.root, all);
  const [, row] = lock.packages;
  assert.deepEqual([row?.url, row?.commit], ['https://git.example.org/x', '12ab']);
  assert.match(
    notes.map(({ text }) => text).join('\n'),
    /direct_url\.json.* hold passwords or tokens: they are kept without/,
  );
  const { target } = await make(spec, lock, all, 'made');
  const made = join(target, site, 'unlisted-2.dist-info');
  assert.equal(readFileSync(join(made, 'direct_url.json'), 'utf8'), direct(''));
  assert.match(readFileSync(join(made, 'RECORD'), 'utf8'), /^unlisted-2\.dist-info\/direct_url\.json,,\n/);
  for (const [place, explained] of [
    [all.root, 2],
    [target, 0],
  ] as const) {
    const checked = await venv.check?.(spec, lock, localRoot(place), { ...all.tracing });
    assert.deepEqual([checked?.differing, checked?.explained.length], [[], explained]);
  }
});

test('without an index that answers everything is kept, and nothing else is asked', async (t) => {
  const all = await world(t, 'json');
  await all.index[Symbol.asyncDispose]();
  const { lock } = await traceIn(all.root, all);
  assert.deepEqual(
    lock.packages.map(({ repacked }) => repacked),
    [true, true],
  );
});

test('a traced tree with other packages: what goes is taken out by its list, what comes is laid, all else stays', async (t) => {
  const all = await world(t, 'json');
  writeFileSync(join(all.root, top, 'bin/activate'), 'mine');
  const { lock, spec } = await traceIn(all.root, all);
  const newer = makeWheel('small', '1.1', { 'small/__init__.py': 'x = 2\n', 'other.py': 'o = 1\n' });
  await all.store.add(newer.bytes);
  const row = { name: 'small', version: '1.1', file: newer.file, size: newer.bytes.length, sha256: newer.sha256 };
  const packages = [row, ...lock.packages.slice(1)];
  const traced = await tracedTree(spec, lock, all.store);
  assert.ok(traced !== undefined);
  const context = { ...all.creating, fetch: async () => ({ from: {}, refused: [], missing: [] }) };
  const rows = { was: lock.packages, is: packages };
  const next: VenvLock = {
    ...lock,
    packages,
    ...(await changedTree(spec, traced, rows, targetOf(spec, lock), context)),
  };
  const steps = await venv.prepareChange?.({ spec, lock }, { spec, lock: next }, context);
  assert.deepEqual(
    steps?.gone?.map((path) => path.slice(top.length + 1)),
    [
      'bin/tool',
      'lib/python3.11/site-packages/small-1.0.dist-info',
      'lib/python3.11/site-packages/small/__pycache__',
      'lib/python3.11/site-packages/small/data.txt',
    ],
  );
  const { target } = await make(spec, next, all, 'made');
  const at = (path: string) => readFileSync(join(target, path), 'utf8');
  assert.equal(at(`${site}/small/__init__.py`), 'x = 2\n');
  assert.equal(at(`${site}/unlisted.py`), 'y = 2\n');
  assert.equal(at(`${site}/__pycache__/unlisted.cpython-311.pyc`), 'compiled');
  assert.equal(at(`${top}/bin/activate`), 'mine');
  assert.ok(
    !existsSync(join(target, site, 'small/__pycache__')) && !existsSync(join(target, site, 'small-1.0.dist-info')),
  );
  assert.deepEqual((await venv.check?.(spec, next, localRoot(target), { ...all.tracing }))?.differing, []);
  assert.equal(await tracedTree({ ...spec, path: '/elsewhere' }, lock, all.store), undefined);
});

test('a wish is laid from wheels, the same bytes each time', async (t) => {
  const all = await world(t, 'json');
  await all.store.add(small.bytes);
  const spec = parse(venvSchema, { type: 'venv', path: '/opt/my env', packages: ['small'] });
  const lock: VenvLock = {
    of: zeros,
    python: '3.11',
    packages: [
      {
        name: 'small',
        version: '1.0',
        file: small.file,
        size: small.bytes.length,
        sha256: small.sha256,
        requested: true,
      },
    ],
  };
  const { prepared, target } = await make(spec, lock, all, 'made');
  assert.deepEqual((await venv.prepare?.(spec, lock, all.creating))?.made, prepared?.made);
  const at = (path: string) => join(target, '/opt/my env', path);
  assert.equal(readlinkSync(at('bin/python3')), '/usr/bin/python3');
  assert.match(
    readFileSync(at('bin/small'), 'utf8'),
    /^#!\/bin\/sh\n'''exec' "\/opt\/my env\/bin\/python" "\$0" "\$@"\n[^]*from small\.cli import main\n/,
  );
  assert.equal(statSync(at('bin/small')).mode & 0o777, 0o755);
  assert.match(readFileSync(at('bin/tool'), 'utf8'), /^#!\/bin\/sh\n'''exec'/);
  assert.ok(existsSync(at('lib64/python3.11/site-packages/small-1.0.dist-info/REQUESTED')));
  const place = localRoot(target);
  assert.deepEqual((await venv.observe(spec, place, all.tracing)).packages, [
    { key: 'small', version: '1.0', name: 'small' },
  ]);
  const sound = await venv.check?.(spec, lock, place, all.tracing);
  assert.deepEqual([sound?.differing, sound?.explained], [[], []]);
  appendFileSync(at('bin/small'), 'x');
  const found = await venv.check?.(spec, lock, place, all.tracing);
  assert.deepEqual(
    found?.differing.map(({ path, kind }) => [path, kind]),
    [['/opt/my env/bin/small', 'changed']],
  );
});

test('edits, and what using it takes', () => {
  const spec = parse(venvSchema, { type: 'venv', path: '/e', packages: ['nilearn==0.10.4', 'Nibabel>=5'] });
  const edited = (edit: Parameters<NonNullable<typeof venv.edit>>[1]) => venv.edit?.(spec, edit).packages;
  assert.deepEqual(edited({ install: ['nilearn==0.11.1', 'six'] }), ['nilearn==0.11.1', 'Nibabel>=5', 'six']);
  assert.deepEqual(edited({ uninstall: ['nibabel'] }), ['nilearn==0.10.4']);
  assert.deepEqual(edited({ upgrade: true }), ['nilearn', 'Nibabel>=5']);
  assert.deepEqual(edited({ uninstall: ['nibabel', 'NILEARN'] }), undefined);
  assert.throws(() => edited({ uninstall: ['six'] }), /does not name six/);
  assert.throws(() => edited({ install: ['-e .'] }), /is no package/);
  assert.deepEqual(venv.activate?.(spec), [
    { do: 'set', name: 'VIRTUAL_ENV', value: '/e' },
    { do: 'prepend', name: 'PATH', value: '/e/bin' },
    { do: 'unset', name: 'PYTHONHOME' },
  ]);
});
