import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Argv } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { folder } from '../contract/backend-fixture.ts';
import { need } from './need.ts';
import { smallRoot } from './roots.ts';

/** The chroot backend where less is allowed than to root of a machine: ordinary users, engines' containers. */

const skip = process.geteuid?.() === 0 ? false : 'only root can make users and give up capabilities';
const script = fileURLToPath(new URL('chroot-limited.ts', import.meta.url));

interface Seen {
  readonly probe: { readonly usable: boolean; readonly detail?: string };
  readonly facts?: { readonly tree: string; readonly bare: boolean };
  readonly root?: string;
  readonly chown?: string;
  readonly status?: number;
  readonly again?: string;
  readonly read?: string;
  readonly shadow?: readonly [number, number];
  readonly error?: { readonly status: number; readonly hint: string };
  /** x86_64 only. */
  readonly reached?: readonly string[];
  readonly said: string;
}

/** Runs the script behind a prefix (runuser, setpriv) in a folder that it may write to. */
async function limited(prefix: readonly string[], level: string, owner = 0): Promise<Seen> {
  const top = folder('limited');
  chmodSync(top, 0o755);
  const archive = join(top, 'rootfs.tar');
  const own = join(top, 'own');
  await runProcess([
    'tar',
    '-C',
    (await smallRoot()).directory,
    '--numeric-owner',
    '--exclude=./dev/*',
    '-cf',
    archive,
    '.',
  ]);
  mkdirSync(own);
  chownSync(own, owner, owner);
  chmodSync(archive, 0o644);
  try {
    const argv = [...prefix, process.execPath, script, level, archive, own] as unknown as Argv;
    const { stdout } = await runProcess(argv, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TMPDIR: own } });
    let said = '';
    try {
      said = readFileSync(join(own, 'said'), 'utf8');
    } catch {
      // it did not come so far
    }
    return { ...(JSON.parse(stdout.toString()) as Seen), said };
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

/** A user of a test's own, and its id. */
async function withUser(options: readonly string[], body: (name: string, uid: number) => Promise<void>): Promise<void> {
  const name = `repronim-${process.pid}`;
  await runProcess(['useradd', ...options, '--', name]);
  try {
    const { stdout } = await runProcess(['id', '-u', name]);
    await body(name, Number(stdout.toString()));
  } finally {
    await runProcess(['userdel', '--', name], { accept: 'any' });
  }
}

async function isReadable(user: string): Promise<boolean> {
  const tried = await runProcess(
    ['runuser', '-u', user, '--', process.execPath, '-e', `fs.readFileSync(${JSON.stringify(script)})`],
    { accept: 'any' },
  );
  return tried.status === 0;
}

test('an ordinary user with subordinate ids', { skip }, async (t) => {
  await need('uidmap');
  await withUser(['--no-create-home', '-K', 'SUB_UID_MIN=100000', '-K', 'SUB_UID_COUNT=65536'], async (name, uid) => {
    if (!(await isReadable(name))) return t.skip('an ordinary user can read neither node nor this folder');
    const seen = await limited(['runuser', '-u', name, '--'], 'confined', uid);
    assert.equal(seen.probe.detail, 'user namespaces, subordinate ids');
    assert.deepEqual(seen.facts && [seen.facts.tree, seen.facts.bare], ['overlay', false]);
    assert.equal(seen.root, '0\nnull');
    assert.equal(seen.chown, 'changed\n33');
    assert.equal(seen.status, 0);
    assert.equal(seen.said, '1234\n1235\n1234\n');
    assert.equal(seen.again, 'by write\n640 0 42\n640 0 42');
    assert.equal(seen.read, 'by write\n');
    assert.deepEqual(seen.shadow, [0, 42]);
    if (process.arch === 'x64') assert.deepEqual(seen.reached, []);
  });
});

test('an ordinary user with one id, as on most clusters', { skip }, async (t) => {
  await withUser(['--no-create-home', '--system'], async (name, uid) => {
    if (!(await isReadable(name))) return t.skip('an ordinary user can read neither node nor this folder');
    const seen = await limited(['runuser', '-u', name, '--'], 'confined', uid);
    assert.equal(seen.probe.detail, 'user namespaces, one id');
    assert.deepEqual(seen.facts && [seen.facts.tree, seen.facts.bare], ['overlay', false]);
    assert.equal(seen.root, '0\nnull');
    assert.equal(seen.chown, 'changed\n0', 'nothing is done, and packages are not stopped by it');
    assert.equal(seen.said, '1234\n1235\n1234\n', 'whoever is asked for is the one id');
    assert.equal(seen.again, 'by write\n640 0 0\n640 0 0');
    if (process.arch === 'x64') assert.deepEqual(seen.reached, []);
    assert.equal(seen.read, 'by write\n');
  });
});

test("root of an engine's container, where nothing can be mounted", { skip }, async () => {
  const prefix = ['setpriv', '--bounding-set', '-sys_admin', '--'];
  const refused = await limited(prefix, 'confined');
  assert.equal(refused.probe.usable, false);
  assert.equal(refused.error?.status, 4);
  assert.match(refused.error?.hint ?? '', /--trust/);
  const seen = await limited(prefix, 'trusted');
  assert.deepEqual(seen.facts && [seen.facts.tree, seen.facts.bare], ['copy', true]);
  assert.equal(seen.root, '0\nnull');
  assert.equal(seen.chown, 'changed\n33');
  assert.equal(seen.said, '1234\n1235\n1234\n');
  assert.equal(seen.again, 'by write\n640 0 42\n640 0 42');
  assert.equal(seen.read, 'by write\n');
});

test("root of an engine's container that may mount, but not trace others", { skip }, async () => {
  const seen = await limited(['setpriv', '--bounding-set', '-sys_ptrace', '--'], 'confined');
  assert.equal(seen.error, undefined);
  assert.deepEqual(seen.facts && [seen.facts.tree, seen.facts.bare], ['overlay', false]);
  assert.equal(seen.root, '0\nnull');
  assert.equal(seen.said, '1234\n1235\n1234\n');
});

test('a tree that another is mounted in is not removed', { skip }, async () => {
  const { chroot } = await import('../../src/backends/chroot/index.ts');
  const { makeInstance } = await import('../contract/backend-fixture.ts');
  const precious = folder('precious');
  await using made = await makeInstance(chroot, {}, await smallRoot());
  const at = join(made.state, 'upper/mnt');
  mkdirSync(at);
  mkdirSync(join(precious, 'kept'));
  await runProcess(['mount', '--bind', precious, at]); // of the same filesystem: no device number tells it
  try {
    await assert.rejects(made.instance.remove(), { name: 'UserError', message: /mounted in it/ });
    assert.ok(readFileSync('/proc/self/mountinfo', 'utf8').includes(at));
    await runProcess(['test', '-d', join(precious, 'kept')]);
  } finally {
    await runProcess(['umount', at]);
  }
});
