import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Entry } from '../model/index.ts';
import type { Root, ScanOptions } from '../contract/index.ts';
import { localRoot } from './local.ts';
import { nameBytes } from './names.ts';

const netRaw = '0100000200200000000000000000000000000000';
const asRoot = process.getuid?.() === 0;

function tree(t: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'repronim-local-')));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function scanned(root: Root, options?: ScanOptions): Promise<Entry[]> {
  return await Array.fromAsync(root.scan(options));
}

test('links are resolved in the root and never lead out of it', async (t) => {
  const directory = tree(t);
  mkdirSync(join(directory, 'usr/lib'), { recursive: true });
  writeFileSync(join(directory, 'usr/lib/a'), 'inside');
  symlinkSync('usr/lib', join(directory, 'lib'));
  symlinkSync('/usr/lib/a', join(directory, 'absolute'));
  symlinkSync('../../../../../../etc/passwd', join(directory, 'usr/escape'));
  symlinkSync('/etc/passwd', join(directory, 'host'));
  symlinkSync('loop', join(directory, 'loop'));
  const root = localRoot(directory);

  assert.equal((await root.readFile('/lib/a')).toString(), 'inside');
  assert.equal((await root.readFile('/absolute')).toString(), 'inside');
  assert.equal((await root.readFile('/../../lib/../lib/a')).toString(), 'inside');
  await assert.rejects(root.readFile('/usr/escape'), { name: 'RootError', code: 'ENOENT' });
  await assert.rejects(root.readFile('/host'), { code: 'ENOENT', path: '/host' });
  await assert.rejects(root.readFile('/loop'), { code: 'ELOOP' });
  await assert.rejects(root.readFile('/usr'), { code: 'EISDIR' });
  await assert.rejects(root.readFile('/usr/lib/a/b'), { code: 'ENOTDIR' });
  await assert.rejects(root.readFile('/lib/a', 3), { code: 'EFBIG' });
  await assert.rejects(root.readFile('/nul\0'), { code: 'EINVAL' });
  assert.deepEqual(await root.realpath(['/lib/a', '/absolute', '/lib/..', '/loop', '/none', '/']), [
    '/usr/lib/a',
    '/usr/lib/a',
    '/usr',
    undefined,
    undefined,
    '/',
  ]);
  assert.equal(await root.readlink('/usr/escape'), '../../../../../../etc/passwd');
  assert.deepEqual(
    (await root.lstat(['/lib', '/lib/a', '/host', '/none'])).map((stat) => stat?.type),
    ['link', 'file', 'link', undefined],
  );
  const digest = createHash('md5').update('inside').digest('hex');
  assert.deepEqual(await root.digest(['/lib/a', '/host', '/usr', '/absolute'], 'md5'), [
    digest,
    undefined,
    undefined,
    digest,
  ]);
});

test('forty links are followed, forty-one are not', async (t) => {
  const directory = tree(t);
  writeFileSync(join(directory, 'link0'), 'end');
  for (let at = 1; at <= 41; at += 1) symlinkSync(`link${at - 1}`, join(directory, `link${at}`));
  const root = localRoot(directory);
  assert.equal((await root.readFile('/link40')).toString(), 'end');
  await assert.rejects(root.readFile('/link41'), { code: 'ELOOP' });
});

test('names that are not UTF-8 survive, and those with U+FFFD are told apart from them', async (t) => {
  const directory = tree(t);
  const names = ['fine ü', 'odd\udcff', 'real\u{fffd}', 'astral\u{1f600}'];
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), nameBytes(name)]), 'x');
  symlinkSync(nameBytes('to\udcfe'), join(directory, 'zlink'));
  const root = localRoot(directory);
  const seen = (await root.readdir('/')).map(({ name }) => name);
  assert.deepEqual(new Set(seen), new Set([...names, 'zlink']));
  assert.equal((await root.readFile('/odd\udcff')).toString(), 'x');
  assert.equal(await root.readlink('/zlink'), 'to\udcfe');
  assert.ok((await scanned(root)).some(({ path, size }) => path === '/odd\udcff' && size === 1));
});

test('a scan comes in byte order of whole paths, a folder before what is in it', async (t) => {
  const directory = tree(t);
  for (const folder of ['a', 'a-b', 'a.d', 'b/c']) mkdirSync(join(directory, folder), { recursive: true });
  for (const file of ['a/x', 'a-b/x', 'a.d/x', 'a0', 'b/c/x']) writeFileSync(join(directory, file), file);
  symlinkSync('a', join(directory, 'a1'));
  const root = localRoot(directory);
  const paths = (await scanned(root)).map(({ path }) => path);
  assert.equal(paths.join(' '), '/ /a /a-b /a-b/x /a.d /a.d/x /a/x /a0 /a1 /b /b/c /b/c/x');
  const some = await scanned(root, { below: ['/b/c', '/a', '/a/x', '/none'], except: ['/b/c/x'], digests: ['md5'] });
  assert.deepEqual(
    some.map(({ path, md5, sha256 }) => [path, md5, sha256]),
    [
      ['/a', undefined, undefined],
      ['/a/x', createHash('md5').update('a/x').digest('hex'), undefined],
      ['/b/c', undefined, undefined],
    ],
  );
});

test('large files are hashed whole', async (t) => {
  const directory = tree(t);
  for (const size of [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000]) {
    writeFileSync(join(directory, `f${size}`), Buffer.alloc(size, size % 251));
  }
  const entries = await scanned(localRoot(directory), { digests: ['sha256', 'md5'] });
  for (const { path, type, size, sha256, md5 } of entries) {
    if (type !== 'file') continue;
    const content = readFileSync(directory + path);
    assert.equal(size, content.length);
    assert.equal(sha256, createHash('sha256').update(content).digest('hex'), path);
    assert.equal(md5, createHash('md5').update(content).digest('hex'), path);
  }
  assert.equal(entries.length, 7);
});

test('special files are entries, and nothing waits for them', async (t) => {
  const directory = tree(t);
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  const root = localRoot(directory);
  await assert.rejects(root.readFile('/fifo'), { code: 'EINVAL' });
  assert.deepEqual(await root.digest(['/fifo'], 'sha256'), [undefined]);
  if (asRoot) {
    execFileSync('mknod', [join(directory, 'char'), 'c', '1', '3']);
    execFileSync('mknod', [join(directory, 'block'), 'b', '259', '70000']);
  }
  const entries = new Map((await scanned(root)).map((entry) => [entry.path, entry]));
  assert.equal(entries.get('/fifo')?.type, 'fifo');
  if (!asRoot) return;
  assert.deepEqual(entries.get('/char')?.device, [1, 3]);
  assert.deepEqual(entries.get('/block')?.device, [259, 70_000]);
});

test('modes, owners and hard links are as the disk has them', async (t) => {
  if (!asRoot) return t.skip('only root may change owners');
  const directory = tree(t);
  writeFileSync(join(directory, 'one'), '');
  chownSync(join(directory, 'one'), 7, 8);
  chmodSync(join(directory, 'one'), 0o4751);
  linkSync(join(directory, 'one'), join(directory, 'two'));
  const [one, two, folder] = await localRoot(directory).lstat(['/one', '/two', '/']);
  assert.deepEqual([one?.mode, one?.uid, one?.gid], [0o4751, 7, 8]);
  assert.equal(one?.inode, two?.inode);
  assert.notEqual(one?.inode, folder?.inode);
});

test('file capabilities are read, for odd names too', async (t) => {
  if (!asRoot) return t.skip('only root may set file capabilities');
  const directory = tree(t);
  if (process.arch !== 'x64') return t.skip('the number of setxattr is only written here for x86-64');
  // cap_net_raw+ep, VFS_CAP_REVISION_2 (linux/capability.h)
  const set = `my ($f, $n, $v) = (shift, "security.capability", pack("H*", "${netRaw}"));
    exit(syscall(188, $f, $n, $v, 20, 0) == 0 ? 0 : 1)`;
  for (const name of ['ping', 'odd\udcff']) {
    writeFileSync(join(directory, 'new'), '', { mode: 0o755 });
    execFileSync('perl', ['-e', set, join(directory, 'new')]);
    renameSync(join(directory, 'new'), Buffer.concat([Buffer.from(`${directory}/`), nameBytes(name)]));
  }
  writeFileSync(join(directory, 'plain'), '', { mode: 0o755 });
  const entries = await scanned(localRoot(directory));
  assert.deepEqual(
    entries.map(({ path, capability }) => [path, capability]),
    [
      ['/', undefined],
      ['/odd\udcff', netRaw],
      ['/ping', netRaw],
      ['/plain', undefined],
    ],
  );
});

test('what is not ours to see is EACCES, not ENOENT', async (t) => {
  const directory = tree(t);
  mkdirSync(join(directory, 'closed/inner'), { recursive: true });
  writeFileSync(join(directory, 'secret'), '', { mode: 0 });
  chmodSync(join(directory, 'closed'), 0);
  chmodSync(directory, 0o755);
  const root = localRoot(directory);
  if (asRoot) process.seteuid?.(65_534);
  try {
    await assert.rejects(root.readFile('/closed/inner/x'), { code: 'EACCES' });
    await assert.rejects(root.readFile('/secret'), { code: 'EACCES' });
    await assert.rejects(root.readdir('/closed'), { code: 'EACCES' });
    const marked = (await scanned(root)).filter(({ unreadable }) => unreadable === true);
    assert.deepEqual(
      marked.map(({ path }) => path),
      ['/closed', '/secret'],
    );
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
});

test('the machine itself is a root', async () => {
  const root = localRoot();
  assert.equal(root.label, 'host');
  assert.match((await root.readFile('/proc/self/status')).toString(), /^Name:/);
  assert.deepEqual(await root.realpath(['/proc/self/root/etc/..']), ['/']);
  const [kernel] = await scanned(root, { below: ['/proc/self/cmdline'] });
  assert.equal(kernel?.type, 'file');
});
