import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { localRoot } from '../roots/local.ts';
import { appendManifest, readManifest } from '../roots/manifest.ts';
import { tarRoot } from '../roots/tar.ts';
import { entryHasher } from './fingerprint/hash.ts';
import { fingerprintOf, type FingerprintOptions } from './fingerprint.ts';

const asRoot = process.getuid?.() === 0;
const hasSetcap = asRoot && existsSync('/usr/sbin/setcap');
const folders = ['bin', 'etc', 'tmp', 'usr', 'usr/lib', 'usr/lib-x', 'usr/share ü'];
const files = ['bin/a', 'etc/b', 'usr/c', 'usr/lib/d', 'usr/lib/e', 'usr/lib-x/f', 'usr/share ü/g', 'usr/lib.h'];

function scratch(t: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'repronim-fingerprint-')));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function build(directory: string, order: (names: readonly string[]) => readonly string[] = (names) => names): string {
  mkdirSync(directory);
  for (const folder of folders) mkdirSync(join(directory, folder), { recursive: true });
  for (const file of order(files)) writeFileSync(join(directory, file), `content of ${file}`);
  symlinkSync('../usr/lib', join(directory, 'etc/link'));
  return directory;
}

async function print(directory: string, options?: FingerprintOptions): Promise<string> {
  return (await fingerprintOf(localRoot(directory), options)).digest;
}

test('the order of creation, times and hard links do not count', async (t) => {
  const directory = scratch(t);
  const one = build(join(directory, 'one'));
  const two = build(join(directory, 'two'), (names) => names.toReversed());
  for (const file of files) utimesSync(join(two, file), 1, randomInt(1e9));
  lutimesSync(join(two, 'etc/link'), 5, 5);
  const before = await print(two);
  assert.equal(before, await print(one));
  assert.match(before, /^sha256:[0-9a-f]{64}$/);

  writeFileSync(join(one, 'usr/same'), 'content of bin/a');
  linkSync(join(two, 'bin/a'), join(two, 'usr/same'));
  assert.equal(await print(two), await print(one));
  assert.notEqual(await print(two), before);
});

test('one changed byte, mode or owner of any file changes it', async (t) => {
  const directory = scratch(t);
  const root = build(join(directory, 'root'));
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const draw = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const before = await print(root);
  for (let round = 0; round < 40; round += 1) {
    const file = join(root, files[draw(files.length)] as string);
    const content = readFileSync(file);
    const changed = Buffer.from(content);
    const at = draw(changed.length);
    changed[at] = (changed[at] as number) ^ (1 << draw(8));
    writeFileSync(file, changed);
    assert.notEqual(await print(root), before, `a bit of ${file}`);
    writeFileSync(file, content);

    const bit = 1 << draw(12);
    chmodSync(file, 0o644 ^ bit);
    if (asRoot || (bit & 0o400) === 0) assert.notEqual(await print(root), before, `mode ${bit.toString(8)} of ${file}`);
    chmodSync(file, 0o644);

    if (asRoot) {
      const [uid, gid] = draw(2) === 0 ? [draw(60_000) + 1, 0] : [0, draw(60_000) + 1];
      chownSync(file, uid, gid);
      assert.notEqual(await print(root), before, `owner of ${file}`);
      chownSync(file, 0, 0);
    }
    assert.equal(await print(root), before, 'and back');
  }
});

test('links, types, names and folders count', async (t) => {
  const directory = scratch(t);
  const root = build(join(directory, 'root'));
  const seen = new Set([await print(root)]);
  const change = async (act: () => void) => {
    act();
    const now = await print(root);
    assert.ok(!seen.has(now), act.toString());
    seen.add(now);
  };
  await change(() => unlinkSync(join(root, 'etc/link')));
  await change(() => symlinkSync('../usr/lib-x', join(root, 'etc/link')));
  await change(() => mkdirSync(join(root, 'empty')));
  await change(() => chmodSync(join(root, 'empty'), 0o700));
  await change(() => chmodSync(join(root, 'tmp'), 0o1777));
  await change(() => writeFileSync(join(root, 'usr/new'), ''));
  await change(() => cpSync(join(root, 'usr/new'), join(root, 'usr/newer')));
  await change(() => execFileSync('mkfifo', [join(root, 'fifo')]));
  if (asRoot) {
    await change(() => execFileSync('mknod', [join(root, 'node'), 'c', '1', '3']));
    unlinkSync(join(root, 'node'));
    await change(() => execFileSync('mknod', [join(root, 'node'), 'c', '1', '5']));
    await change(() => chmodSync(join(root, 'bin/a'), 0o755));
    if (!hasSetcap) return t.skip('capabilities: libcap2-bin is not here');
    await change(() => execFileSync('setcap', ['cap_net_raw+ep', join(root, 'bin/a')]));
  }
});

test('volatile paths do not count, what lies beside them does', async (t) => {
  const directory = scratch(t);
  const root = build(join(directory, 'root'));
  const options = { volatile: [{ pattern: '/usr/**/index', because: 'route' }] };
  const before = await print(root, options);
  for (const folder of ['dev/pts', 'proc/1', 'tmp/x/y', 'usr/lib/.git'])
    mkdirSync(join(root, folder), { recursive: true });
  const withGit = await print(root, options);
  assert.notEqual(withGit, before);
  for (const file of [
    'dev/null',
    'proc/1/maps',
    'tmp/x/y/z',
    '.dockerenv',
    'etc/hosts',
    'usr/lib/.git/index',
    'usr/index',
  ]) {
    writeFileSync(join(root, file), 'volatile');
  }
  chmodSync(root, 0o700);
  assert.equal(await print(root, options), withGit);
  assert.notEqual(await print(root), withGit, 'nobody says here that index is volatile');
  writeFileSync(join(root, 'etc/hosts2'), '');
  assert.notEqual(await print(root, options), withGit);
});

test('a manifest says who owns what where the disk does not', async (t) => {
  if (!asRoot) return t.skip('only root may change owners');
  const directory = scratch(t);
  const visible = build(join(directory, 'visible'));
  const plain = build(join(directory, 'plain'));
  chownSync(join(visible, 'etc/b'), 0, 42);
  chmodSync(join(visible, 'etc/b'), 0o640);
  for (const file of files) chownSync(join(plain, file), 1000, 1000);
  const manifest = join(directory, 'manifest');
  writeFileSync(manifest, '{"path":"/etc/b","uid":0,"gid":42,"mode":"0640"}\n{"path":"/usr","uid":0,"gid":0}\n');
  const taken = await fingerprintOf(localRoot(plain), { manifest });
  assert.equal(taken.owners, 'manifest');
  assert.equal(taken.digest, await print(visible));
  assert.equal(taken.entries, (await fingerprintOf(localRoot(visible))).entries);

  await appendManifest(manifest, [
    { path: '/usr/c', uid: 5, gid: 5 },
    { path: '/usr/c', uid: 6, gid: 0 },
  ]);
  assert.deepEqual([...(await readManifest(manifest)).values()].slice(-1), [{ path: '/usr/c', uid: 6, gid: 0 }]);
  writeFileSync(manifest, '{"path":"/etc/b","uid":"0"}\n');
  await assert.rejects(fingerprintOf(localRoot(plain), { manifest }), { name: 'UserError', message: /manifest:1: / });
});

test('a directory and its tar have one fingerprint', async (t) => {
  const directory = scratch(t);
  const root = build(join(directory, 'root'));
  linkSync(join(root, 'usr/c'), join(root, 'usr/same'));
  writeFileSync(Buffer.concat([Buffer.from(`${root}/usr/`), Buffer.of(0xfc, 0xff)]), 'a name that is not UTF-8');
  mkdirSync(join(root, 'usr', 'l'.repeat(120), 'm'.repeat(120)), { recursive: true });
  symlinkSync('x'.repeat(200), join(root, 'usr', 'l'.repeat(120), 'long'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  chmodSync(join(root, 'bin/a'), 0o4755);
  if (asRoot) {
    execFileSync('mknod', [join(root, 'node'), 'b', '259', '70000']);
    chownSync(join(root, 'etc/b'), 3_000_000, 42);
    if (hasSetcap) execFileSync('setcap', ['cap_net_raw+ep', join(root, 'bin/a')]);
  }
  const expected = await fingerprintOf(localRoot(root));
  for (const format of ['pax', 'gnu']) {
    const file = join(directory, `${format}.tar`);
    const xattrs = format === 'pax' ? ['--xattrs', '--xattrs-include=*'] : [];
    if (format === 'gnu' && hasSetcap) execFileSync('setcap', ['-r', join(root, 'bin/a')]);
    execFileSync('tar', ['-C', root, `--format=${format}`, ...xattrs, '--sort=none', '-cf', file, '.']);
    await using tar = await tarRoot(file, `tar:${file}`);
    assert.deepEqual(
      await fingerprintOf(tar),
      format === 'pax' ? expected : await fingerprintOf(localRoot(root)),
      format,
    );
  }
});

test('a capability that was set in a user namespace is the one that is seen from inside', () => {
  const print = (capability?: string) => {
    const hasher = entryHasher();
    const entry = { path: '/bin/ping', type: 'file' as const, mode: 0o755, uid: 0, gid: 0, sha256: 'ab' };
    hasher.add(capability === undefined ? entry : { ...entry, capability });
    return hasher.digest();
  };
  const plain = '0100000200200000000000000000000000000000';
  const namespaced = '0100000300200000000000000000000000000000a0860100';
  assert.equal(print(namespaced), print(plain));
  assert.notEqual(print(plain), print());
  assert.notEqual(print(plain.replace('0020', '0030')), print(plain));
});

test('two trees never give the same bytes, and order is not left to chance', () => {
  const hasher = entryHasher();
  const entry = { path: '/b', type: 'directory' as const, mode: 0o755, uid: 0, gid: 0 };
  hasher.add(entry);
  assert.throws(() => hasher.add(entry), /out of order/);
  assert.throws(() => hasher.add({ ...entry, path: '/a' }), /out of order/);
});

test('what cannot be read is said, not left out', async (t) => {
  const directory = scratch(t);
  const root = build(join(directory, 'root'));
  chmodSync(join(root, 'bin/a'), 0);
  if (!asRoot) await assert.rejects(print(root), { name: 'UserError', status: 4, message: /bin\/a/ });
  else {
    // as root nothing is unreadable: be somebody else for a moment
    chmodSync(directory, 0o755);
    chmodSync(root, 0o755);
    process.seteuid?.(65_534);
    try {
      await assert.rejects(print(root), { name: 'UserError', status: 4, message: /bin\/a/ });
    } finally {
      process.seteuid?.(0);
    }
  }
});
