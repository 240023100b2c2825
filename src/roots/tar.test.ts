import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chmodSync, linkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { RootError, type Root } from '../contract/index.ts';
import type { Entry } from '../model/index.ts';
import { runProcess } from '../sessions/process.ts';
import { localRoot } from './local.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from './tar-header.ts';
import { tarRoot } from './tar.ts';

const long = `${'d'.repeat(90)}/${'f'.repeat(150)}`;

test('a tar of GNU tar, in each of its formats, is the folder that it was made from', async (t) => {
  const folder = temporary(t);
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, long, '..'), { recursive: true });
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  symlinkSync('usr/bin', join(tree, 'bin'));
  symlinkSync('../../../../etc/hosts', join(tree, 'usr/out'));
  symlinkSync('loop', join(tree, 'loop'));
  writeFileSync(join(tree, 'usr/bin/prog'), 'x'.repeat(3000));
  chmodSync(join(tree, 'usr/bin/prog'), 0o4755);
  linkSync(join(tree, 'usr/bin/prog'), join(tree, 'usr/bin/zz'));
  mkdirSync(join(tree, 'etc'));
  writeFileSync(join(tree, 'etc/hosts'), 'inside\n');
  writeFileSync(join(tree, 'etc/größe'), '');
  writeFileSync(Buffer.concat([Buffer.from(join(tree, 'etc/')), Buffer.of(0x61, 0xff, 0x62)]), 'odd');
  writeFileSync(join(tree, long), 'long');
  const disk = localRoot(tree);
  for (const format of ['gnu', 'posix', 'ustar']) {
    const file = join(folder, `${format}.tar`);
    if (format === 'ustar') rmSync(join(tree, 'd'.repeat(90)), { recursive: true }); // too long for it
    await runProcess(['tar', '-C', tree, `--format=${format}`, '-cf', file, '.']);
    await using root = await tarRoot(file, 'tar');
    assert.deepEqual(await entries(root), await entries(disk), format);
    assert.equal((await root.readFile('/bin/prog')).length, 3000);
    assert.equal(String(await root.readFile('/usr/out')), 'inside\n');
    assert.deepEqual(await root.realpath(['/bin/zz', '/loop', '/bin/none', '/bin/prog/x']), [
      '/usr/bin/zz',
      undefined,
      undefined,
      undefined,
    ]);
    const [one, two] = await root.lstat(['/usr/bin/prog', '/bin/zz']);
    assert.equal(one?.inode, two?.inode);
    assert.equal(await root.readlink('/bin'), 'usr/bin');
    assert.deepEqual(await root.digest(['/bin/prog'], 'md5'), await disk.digest(['/bin/prog'], 'md5'));
    await assert.rejects(root.readFile('/none'), (error) => error instanceof RootError && error.code === 'ENOENT');
    await assert.rejects(
      root.readFile('/bin/prog', 10),
      (error) => error instanceof RootError && error.code === 'EFBIG',
    );
  }
});

test('a compressed tar and a stream are read through a spool, the kept files only', async (t) => {
  const folder = temporary(t);
  const tar = Buffer.concat([
    ...member({ name: 'a', size: 3 }, 'one'),
    ...member({ name: 'b', size: 3 }, 'two'),
    tarEnd,
  ]);
  writeFileSync(join(folder, 'z.tar'), zstdCompressSync(tar));
  writeFileSync(join(folder, 'g.tar'), gzipSync(tar));
  for (const name of ['z.tar', 'g.tar']) {
    await using root = await tarRoot(join(folder, name), 'tar');
    assert.equal(String(await root.readFile('/b')), 'two');
  }
  await using some = await tarRoot(bytes(tar, 7), 'stream', {
    keep: (path) => path === '/a',
    fetch: async () => Buffer.from('fetched'),
    instead: new Map([
      ['/a', undefined],
      ['/c', { path: '/c', type: 'file', mode: 0o600, uid: 1, gid: 2, size: 4, content: Buffer.from('here') }],
    ]),
  });
  assert.equal(String(await some.readFile('/b')), 'fetched');
  assert.equal(String(await some.readFile('/c')), 'here');
  assert.deepEqual((await some.readdir('/')).map(({ name }) => name).sort(), ['b', 'c']);
});

test('hostile members act on nothing', async () => {
  const tar = Buffer.concat([
    ...member({ name: '../up', size: 3 }, 'bad'),
    ...member({ name: 'a/../../b', size: 3 }, 'bad'),
    ...member({ name: 'link', type: 'link', target: '/etc' }),
    ...member({ name: 'link/passwd', size: 3 }, 'bad'),
    ...member({ name: 'hard', type: 'hardlink', target: '../../etc/shadow' }),
    ...member({ name: '/etc/absolute', size: 4 }, 'fine'),
    ...member({ name: '__proto__', size: 4 }, 'fine'),
    ...member({ name: 'dev/null', type: 'character', device: [1, 3] }),
    ...member({ name: 'ping', size: 1, capability: '0100000200200000000000000000000000000000' }, 'p'),
    tarEnd,
  ]);
  await using root = await tarRoot(bytes(tar, 513), 'tar');
  assert.deepEqual(
    (await entries(root)).map(({ path }) => path),
    ['/', '/__proto__', '/dev', '/dev/null', '/etc', '/etc/absolute', '/link', '/ping'],
  );
  assert.equal(root.notes.length, 4);
  const found = await entries(root);
  assert.deepEqual(found.find(({ path }) => path === '/dev/null')?.device, [1, 3]);
  assert.equal(found.find(({ path }) => path === '/ping')?.capability, '0100000200200000000000000000000000000000');
});

test('what is cut short or no tar is an error that says so', async () => {
  const whole = Buffer.concat([...member({ name: 'a', size: 2000 }, 'x'.repeat(2000)), tarEnd]);
  await assert.rejects(tarRoot(bytes(whole.subarray(0, 1500), 512), 'tar'), /ends in the middle/);
  await assert.rejects(tarRoot(bytes(Buffer.alloc(1024, 'x'), 512), 'tar'), /not a tar/);
  const broken = Buffer.from(whole);
  broken[0] = 0x62;
  await assert.rejects(tarRoot(bytes(broken, 512), 'tar'), /not a tar/);
});

test('GNU tar reads what we write', async (t) => {
  const folder = temporary(t);
  const tar = Buffer.concat([
    ...member({ name: 'd', type: 'directory', mode: 0o755 }),
    ...member({ name: `d/${'ö'.repeat(60)}`, size: 3, mode: 0o640, uid: 3_000_000, gid: 7 }, 'abc'),
    ...member({ name: 'd/l', type: 'link', target: 't'.repeat(120) }),
    tarEnd,
  ]);
  writeFileSync(join(folder, 'ours.tar'), tar);
  const listed = await runProcess(['tar', '--numeric-owner', '-tvf', join(folder, 'ours.tar')]);
  const lines = String(listed.stdout).trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^drwxr-xr-x 0\/0 .* d\/$/);
  assert.match(lines[1] ?? '', new RegExp(`^-rw-r----- 3000000/7 +3 .* d/ö{60}$`));
  assert.match(lines[2] ?? '', /^lrwxr-xr-x .* d\/l -> t{120}$/);
});

function member(header: Partial<Header> & { name: string }, content = ''): Buffer[] {
  const full: Header = { type: 'file', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeMs: 0, ...header };
  return [encodeHeader(full), Buffer.from(content), tarPadding(full.size)];
}

async function* bytes(whole: Buffer, step: number): AsyncIterable<Buffer> {
  for (let at = 0; at < whole.length; at += step) yield whole.subarray(at, at + step);
}

async function entries(root: Root): Promise<Entry[]> {
  return (await Array.fromAsync(root.scan({ digests: ['sha256', 'md5'] }))).map((entry) => ({ ...entry }));
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-tar-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
