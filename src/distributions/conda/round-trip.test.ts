import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { writeChannel } from '../../../test/fakes/conda-channel.ts';
import { layInto, lockRows, smallBuilds } from '../../../test/fakes/conda-prefix.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { serve } from '../../../test/fakes/serve.ts';
import { byBytes, UserError, type Argv } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { conda } from './index.ts';
import { checkRecords } from './observe.ts';
import { prepare } from './prepare.ts';
import type { CondaLock, CondaSpec } from './spec.ts';

const path = '/opt/env';
const channel = 'https://conda.example.org/main';
const of = `sha256:${'0'.repeat(64)}` as const;

/** A prefix that was laid from artifacts, and what a trace says of it. */
async function traced(t: TestContext, change: (env: string) => void = () => {}) {
  const here = contexts(t);
  const root = join(here.folder, 'root');
  const { rows, built } = await lockRows(smallBuilds, here, channel);
  await layInto(root, { type: 'conda', path }, { packages: rows }, here);
  const env = join(root, path);
  change(env);
  const describe = async () => {
    await using looked = localRoot(root);
    const context = { ...here.tracing };
    const owned = await conda.claim([`${path}/bin/python3.11`], looked, context);
    const { distributions, notes } = await conda.describe(owned, looked, context);
    const [one] = distributions;
    assert.ok(one);
    return { spec: one.spec, lock: { of, ...one.lock } as CondaLock, notes, summary: one.summary };
  };
  return { ...here, here, root, env, built, rows, describe };
}

/** What a program prints, whatever its status. */
async function runText(argv: Argv): Promise<string> {
  return (await runProcess(argv, { env: { PATH: '/usr/bin:/bin' }, accept: 'any' })).stdout.toString();
}

/** Everything below a folder: path, and content or target. */
async function listing(folder: string): Promise<readonly string[]> {
  await using root = localRoot(folder);
  const found: string[] = [];
  for await (const { path: at, type, mode, sha256, target } of root.scan()) {
    if (type !== 'directory') found.push(`${at} ${mode.toString(8)} ${sha256 ?? target}`);
  }
  return found.sort(byBytes);
}

test('a prefix comes back as it was, with what was changed, removed and added by hand', async (t) => {
  const { here, folder, env, describe } = await traced(t, (at) => {
    appendFileSync(join(at, 'lib/python3.11/os.py'), '# by hand\n');
    unlinkSync(join(at, 'lib/pkgconfig/demo.pc'));
    writeFileSync(join(at, 'added'), 'by hand');
    mkdirSync(join(at, 'pkgs'));
    writeFileSync(join(at, 'pkgs/urls.txt'), '');
    mkdirSync(join(at, 'envs/inner/conda-meta'), { recursive: true });
    writeFileSync(join(at, 'envs/inner/conda-meta/history'), '');
    mkdirSync(join(at, 'src/.git'), { recursive: true });
    writeFileSync(join(at, 'src/.git/HEAD'), '');
  });
  const { spec, lock, summary } = await describe();
  assert.equal(summary, '1 conda prefix (3 packages)');
  assert.deepEqual(spec.packages, ['pure==0.5', 'python==3.11.2']);
  await layInto(join(folder, 'new'), spec, lock, here);
  for (const other of ['pkgs', 'envs', 'src']) rmSync(join(env, other), { recursive: true });
  assert.deepEqual(await listing(join(folder, 'new', path)), await listing(env));
  await using root = localRoot(join(folder, 'new'));
  assert.deepEqual((await conda.check?.(spec, lock, root, here.creating))?.differing, []);
});

test('of a path that two packages have, the one counts that is linked last', async (t) => {
  const { env, describe, here, folder } = await traced(t);
  assert.equal(readFileSync(join(env, 'share/both'), 'utf8'), 'pure');
  const { spec, lock } = await describe();
  await layInto(join(folder, 'new'), spec, lock, here);
  assert.equal(readFileSync(join(folder, 'new', path, 'share/both'), 'utf8'), 'pure');
});

test('a record that was edited by hand costs its own package the archive', async (t) => {
  const { here, folder, env, describe } = await traced(t, (at) => {
    const record = join(at, 'conda-meta/libdemo-1.2-h0_0.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace('"version": "1.2"', '"version": "1.3"'));
  });
  const { spec, lock, notes } = await describe();
  assert.deepEqual(
    lock.packages.map(({ name, repacked, sha256 }) => [name, repacked, sha256 === undefined]),
    [
      ['libdemo', true, true],
      ['pure', undefined, false],
      ['python', undefined, false],
    ],
  );
  assert.match(notes.map(({ text }) => text).join('\n'), /the record of libdemo in \/opt\/env was edited by hand/);
  await layInto(join(folder, 'new'), spec, lock, here);
  assert.deepEqual(await listing(join(folder, 'new', path)), await listing(env));
  const moved = '/home/u/a much longer place/env';
  await layInto(join(folder, 'moved'), { ...spec, path: moved }, lock, here);
  assert.equal(
    readFileSync(join(folder, 'moved', moved, 'lib/pkgconfig/demo.pc'), 'utf8'),
    `prefix=${moved}\nlib=${moved}/lib\n`,
  );
  await using root = localRoot(join(folder, 'moved'));
  assert.deepEqual((await checkRecords(moved, root)).differing, []);
});

test('no secret of an installer’s own files is kept, and that is no difference that nobody has said', async (t) => {
  const secrets = ['pa55word', 'tk-0123', 'hunter2', 'swordfish', 'mellon'];
  const { here, root, folder, describe } = await traced(t, (at) => {
    const record = join(at, 'conda-meta/libdemo-1.2-h0_0.json');
    const address = 'https://u:pa55word@conda.example.org/t/tk-0123/main';
    writeFileSync(record, readFileSync(record, 'utf8').replaceAll(channel, address));
    appendFileSync(join(at, 'conda-meta/history'), `+${address}/linux-64::libdemo-1.2-h0_0\n`);
    writeFileSync(join(at, '.condarc'), `channels:\n- ${address}\n`);
    writeFileSync(join(at, 'conda-meta/state'), '{"env_vars": {"MY_API_TOKEN": "hunter2", "DATA": "/data"}}');
    writeFileSync(join(at, 'pip.conf'), '[global]\nindex-url = https://me:swordfish@pypi.example.org/simple\n');
    const info = join(at, 'lib/python3.11/site-packages/own-1.dist-info');
    mkdirSync(info, { recursive: true });
    writeFileSync(join(info, 'METADATA'), 'Metadata-Version: 2.1\nName: own\nVersion: 1\n');
    writeFileSync(
      join(info, 'direct_url.json'),
      '{"url": "https://me:mellon@git.example.org/own", "vcs_info": {"vcs": "git", "commit_id": "1234"}}',
    );
    writeFileSync(join(info, 'RECORD'), 'own-1.dist-info/direct_url.json,sha256=abc,99\nown-1.dist-info/METADATA,,\n');
  });
  const { spec, lock, notes } = await describe();
  assert.equal(lock.packages.find(({ name }) => name === 'libdemo')?.channel, channel);
  await layInto(join(folder, 'new'), spec, lock, here);
  const again = await runText(['grep', '-rlE', secrets.join('|'), join(folder, 'new')]);
  assert.equal(again, '');
  const at = (path: string) => readFileSync(join(folder, 'new', spec.path, path), 'utf8');
  assert.match(at('conda-meta/libdemo-1.2-h0_0.json'), /"url": "https:\/\/conda\.example\.org\/main\/linux-64\//);
  assert.match(at('conda-meta/history'), /^\+https:\/\/conda\.example\.org\/main\/linux-64::libdemo/m);
  assert.equal(at('.condarc'), `channels:\n- ${channel}\n`);
  assert.deepEqual(JSON.parse(at('conda-meta/state')), { env_vars: { DATA: '/data' } });
  assert.match(at('lib/python3.11/site-packages/own-1.dist-info/RECORD'), /^own-1.dist-info\/direct_url.json,,\n/);
  assert.match(
    notes.map(({ text }) => text).join('\n'),
    /\.condarc, conda-meta\/history, .* and 4 more in \/opt\/env hold passwords or tokens: they are kept without/,
  );
  for (const place of [root, join(folder, 'new')]) {
    await using looked = localRoot(place);
    const checked = await conda.check?.(spec, lock, looked, here.creating);
    assert.deepEqual(checked?.differing, []);
    assert.equal(checked.explained.length, place === root ? 7 : 0);
  }
});

test('an artifact that makes something else is named, and nothing is made of it', async (t) => {
  const { here, describe, store } = await traced(t);
  const { spec, lock } = await describe();
  const { rows } = await lockRows(
    smallBuilds.map((one) => ({ ...one, files: { ...one.files, 'lib/python3.11/os.py': { content: '# other\n' } } })),
    here,
    channel,
  );
  const swapped = { ...lock, packages: rows };
  assert.ok(await store.find(rows[0]?.sha256 ?? ''));
  const { missing, made } = await prepare(spec, swapped, here.creating);
  assert.deepEqual(
    missing.map(({ what }) => what),
    ['lib/python3.11/os.py of the conda prefix /opt/env'],
  );
  assert.deepEqual(made, {});
});

test('planted modifications are found by the records alone, none is invented', async (t) => {
  const { env, root } = await traced(t);
  await using before = localRoot(root);
  assert.deepEqual((await checkRecords(path, before)).differing, []);
  appendFileSync(join(env, 'bin/demo'), '#');
  appendFileSync(join(env, 'bin/pure-cli'), '#');
  unlinkSync(join(env, 'lib/libdemo.so'));
  renameSync(join(env, 'lib/python3.11/os.py'), join(env, 'x'));
  mkdirSync(join(env, 'lib/python3.11/os.py'));
  await using after = localRoot(root);
  assert.deepEqual(
    (await checkRecords(path, after)).differing.map(({ path: at, kind, owner }) => [at, kind, owner]),
    [
      ['/opt/env/bin/demo', 'changed', 'libdemo 1.2'],
      ['/opt/env/bin/pure-cli', 'changed', 'pure 0.5'],
      ['/opt/env/lib/libdemo.so', 'missing', 'libdemo 1.2'],
      ['/opt/env/lib/python3.11/os.py', 'type', 'python 3.11.2'],
    ],
  );
});

test('a loose entry is solved by its channel; what is held stays, but for what is renewed', async (t) => {
  const here = contexts(t);
  const newer = smallBuilds.map((one) => (one.name === 'libdemo' ? { ...one, version: '1.3' } : one));
  const { built: old } = await lockRows(smallBuilds, here, channel);
  const { built: fresh } = await lockRows(newer, here, channel);
  const folder = join(here.folder, 'channel');
  writeChannel(folder, old);
  await using served = await serve(folder);
  const wish: CondaSpec = {
    type: 'conda',
    path,
    channels: [served.url],
    packages: ['pure>=0.5'],
    virtual: { __glibc: '2.36' },
  };
  const resolve = async (entry: CondaSpec, held?: Omit<CondaLock, 'of'>, renew: true | string[] = []) =>
    await conda.resolve?.(entry, held === undefined ? undefined : { of, ...held }, here.creating, renew);
  const versions = (lock?: Omit<CondaLock, 'of'>) => lock?.packages.map(({ name, version }) => `${name} ${version}`);
  const first = await resolve(wish);
  assert.deepEqual(versions(first), ['libdemo 1.2', 'pure 0.5', 'python 3.11.2']);
  assert.deepEqual(first?.needs, ['__glibc >=2.17']);
  assert.equal(first?.packages[0]?.channel, served.url);
  writeChannel(folder, [...old, ...fresh]);
  const asked = served.requests.length;
  assert.deepEqual(versions(await resolve({ ...wish, path: '/elsewhere' }, first)), versions(first));
  assert.equal(served.requests.length, asked, 'no channel is asked where the lock satisfies');
  assert.deepEqual(
    versions(await resolve({ ...wish, packages: ['pure', 'libdemo'] }, first, ['pure'])),
    versions(first),
  );
  const renewed = ['libdemo 1.3', 'pure 0.5', 'python 3.11.2'];
  assert.deepEqual(versions(await resolve(wish, first, ['libdemo'])), renewed);
  assert.deepEqual(versions(await resolve(wish, first, true)), renewed);
  assert.deepEqual(versions(await resolve({ ...wish, packages: ['libdemo'] }, first)), ['libdemo 1.2']);
  await assert.rejects(resolve({ ...wish, packages: ['pure', 'libdemo>=9'] }, first), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.details.join('\n'), /libdemo >=9/);
    return true;
  });
  await assert.rejects(resolve({ ...wish, virtual: { __glibc: '2.5' } }), { name: 'UserError' });
});

test('a traced prefix is edited: new packages come, others go, pip’s and one’s own stay', async (t) => {
  const { here, folder, describe, built, env } = await traced(t, (at) => {
    const site = join(at, 'lib/python3.11/site-packages');
    mkdirSync(join(site, 'tiny-1.0.dist-info'));
    writeFileSync(join(site, 'tiny-1.0.dist-info/METADATA'), 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n');
    writeFileSync(join(site, 'tiny-1.0.dist-info/RECORD'), 'tiny.py,,\n');
    writeFileSync(join(site, 'tiny.py'), 'x = 1\n');
    writeFileSync(join(at, 'mine'), 'own');
  });
  const { spec, lock } = await describe();
  const extra = { name: 'extra', version: '2.0', files: { 'share/extra': { content: 'extra' } } };
  const { built: more } = await lockRows([extra], here, channel);
  const channelFolder = join(here.folder, 'channel');
  writeChannel(channelFolder, [...built, ...more]);
  await using served = await serve(channelFolder);
  const edited = conda.edit?.({ ...spec, channels: [served.url] }, { install: ['extra'], uninstall: ['pure'] });
  assert.ok(edited);
  assert.deepEqual(edited.packages, ['extra', 'python==3.11.2']);
  const now = await conda.resolve?.({ ...edited, virtual: { __glibc: '2.36' } }, lock, here.creating, []);
  assert.ok(now);
  assert.deepEqual(
    now.packages.map(({ name }) => name),
    ['extra', 'libdemo', 'python'],
  );
  await layInto(join(folder, 'new'), edited, now, here);
  const at = join(folder, 'new', path);
  assert.equal(readFileSync(join(at, 'share/extra'), 'utf8'), 'extra');
  assert.equal(readFileSync(join(at, 'share/both'), 'utf8'), 'libdemo');
  assert.equal(readFileSync(join(at, 'mine'), 'utf8'), 'own');
  assert.deepEqual(readdirSync(join(at, 'bin')), ['demo', 'python', 'python3.11']);
  assert.deepEqual(readdirSync(join(at, 'lib/python3.11/site-packages')), ['tiny-1.0.dist-info', 'tiny.py']);
  await using root = localRoot(join(folder, 'new'));
  assert.deepEqual(
    (await conda.observe(edited, root, here.creating)).packages.map(({ key }) => key),
    ['extra', 'libdemo', 'pip:tiny', 'python'],
  );
  assert.deepEqual((await conda.check?.(edited, { of, ...now }, root, here.creating))?.differing, []);
  const record = 'conda-meta/libdemo-1.2-h0_0.json';
  assert.deepEqual(readFileSync(join(at, record)), readFileSync(join(env, record)));
  // one less, and nothing more
  const fewer = conda.edit?.({ ...edited, packages: spec.packages ?? [] }, { uninstall: ['pure'] }) ?? spec;
  const asked = lock.packages.map((one) => (one.name === 'pure' ? { ...one, requested: 'pure' } : one));
  const all = { ...lock, packages: asked };
  const less = await conda.resolve?.({ ...fewer, virtual: { __glibc: '2.36' } }, all, here.creating, []);
  assert.ok(less);
  await layInto(join(folder, 'less'), fewer, less, here);
  assert.deepEqual(readdirSync(join(folder, 'less', path, 'bin')), ['demo', 'python', 'python3.11']);
  assert.throws(() => conda.edit?.(spec, { uninstall: ['nothing'] }), { name: 'UserError', status: 2 });
  assert.deepEqual(conda.edit?.(spec, { upgrade: true }).packages, ['pure', 'python']);
});

test('activating sets what conda sets, and what packages ask for', async (t) => {
  const { describe } = await traced(t);
  const { spec, lock } = await describe();
  assert.deepEqual(conda.activate?.(spec, lock), [
    { do: 'prepend', name: 'PATH', value: '/opt/env/bin' },
    { do: 'set', name: 'CONDA_PREFIX', value: '/opt/env' },
    { do: 'set', name: 'CONDA_DEFAULT_ENV', value: '/opt/env' },
    { do: 'set', name: 'DEMO_HOME', value: 'x' },
  ]);
});

test('artifacts are looked for in caches, in a mirror, and at the recorded address', async (t) => {
  const { describe } = await traced(t);
  const { spec, lock } = await describe();
  const settings = { caches: ['/srv/cache'], mirrors: { [channel]: 'https://mirror.example.net/main' } };
  const { creating } = contexts(t, settings);
  const [first] = await conda.wanted(spec, lock, creating);
  assert.ok(first);
  const labels = [];
  for await (const { kind, label, file } of first.sources()) labels.push([kind, file ?? label]);
  assert.deepEqual(labels[0], ["conda's cache", '/srv/cache/libdemo-1.2-h0_0.conda']);
  assert.deepEqual(labels.slice(-2), [
    ['mirror', 'https://mirror.example.net/main/linux-64/libdemo-1.2-h0_0.conda'],
    ['channel', 'https://conda.example.org/main/linux-64/libdemo-1.2-h0_0.conda'],
  ]);
});

test('a channel of this machine vouches for what it lists, nobody for what was kept', async (t) => {
  const here = contexts(t);
  const folder = join(here.folder, 'channel');
  const { built, rows } = await lockRows(smallBuilds, here, channel);
  writeChannel(folder, built.slice(0, 2));
  await using served = await serve(folder);
  const packages = rows.map((row) => ({ ...row, channel: served.url }));
  const lock: CondaLock = { of, packages, pip: [{ name: 'tiny', version: '1.0', repacked: true }] };
  const ask = async (settings: Record<string, unknown>) =>
    await conda.trust?.({ type: 'conda', path }, lock, contexts(t, settings).creating);
  assert.deepEqual(await ask({ channels: [served.url] }), {
    packages: 4,
    byMachine: 2,
    byBundle: 0,
    byNobody: ['pip:tiny', 'pure'],
    because: 'in no channel of this machine',
  });
  assert.equal((await ask({ channels: ['https://other.example.org'] }))?.byMachine, 0);
});
