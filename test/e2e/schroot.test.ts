import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { schroot } from '../../src/backends/schroot/index.ts';
import type { Confinement, Rootfs } from '../../src/contract/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { testBackend } from '../contract/backend.ts';
import { backendContext, confined, folder, makeInstance, recorded } from '../contract/backend-fixture.ts';
import { awkwardRoot } from './awkward-root.ts';
import { haveOrSkip, need, scratch } from './need.ts';
import { slimRoot } from './roots.ts';

process.env['TMPDIR'] = scratch('schroot', 2 ** 30);
const { skip } = await haveOrSkip(async () => {
  if (process.getuid?.() !== 0) throw new Error('only root can tell schroot of a chroot');
  await need('schroot');
});

const module = new URL('../../src/backends/schroot/index.ts', import.meta.url);
const exported = 'schroot';
const trusted: Confinement = { level: 'trusted', network: 'host', mounts: [] };
const directory = { type: 'directory', enter: 'namespaces' } as const;
const file = { type: 'file', enter: 'namespaces' } as const;

testBackend({ backend: schroot, params: directory, module, exported, rootfs: slimRoot, skip });
testBackend({ backend: schroot, params: file, module, exported, rootfs: slimRoot, skip });
testBackend({
  backend: schroot,
  params: { ...directory, enter: 'schroot' },
  confinement: trusted,
  module,
  exported,
  rootfs: slimRoot,
  skip,
});

test('schroot: one fingerprint, whatever the type and whatever schroot copies', { skip }, async () => {
  const root = await awkwardRoot();
  writeFileSync(join(root, 'etc/debian_chroot'), 'of the root\n');
  const rootfs: Rootfs = { directory: root, digest: 'a'.repeat(64) };
  const expected = await fingerprintOf(localRoot(root));
  const cases = [
    [directory, confined],
    [file, confined],
    [{ ...directory, enter: 'schroot' }, trusted],
    [{ ...file, enter: 'schroot' }, trusted],
    [{ ...directory, profile: 'default' }, trusted],
    [{ ...file, profile: 'default' }, trusted],
    [{ ...directory, profile: 'default', enter: 'schroot' }, trusted],
  ] as const;
  for (const [params, confinement] of cases) {
    await using made = await makeInstance(schroot, params, rootfs, confinement);
    await using session = await made.instance.session();
    const told = JSON.stringify(params);
    assert.deepEqual(await fingerprintOf(session.root), expected, told);
    const isHost = 'profile' in params;
    const seen = (await session.run(['cat', '/etc/passwd'])).stdout.toString();
    assert.equal(seen.includes('www-data'), isHost, told);
    assert.equal((await session.root.readFile('/etc/passwd')).toString().includes('www-data'), false, told);
    await session.run(['sh', '-c', 'cat /etc/passwd /etc/group > /etc/new && cat /etc/new > /etc/passwd']);
    assert.equal((await session.root.readFile('/etc/passwd')).toString().includes('www-data'), isHost, told);
    assert.notEqual((await fingerprintOf(session.root)).digest, expected.digest, told);
  }
});

for (const params of [directory, file, { ...file, enter: 'schroot' } as const]) {
  test(
    `schroot: what was changed is there again after a stop, and after a loss: ${JSON.stringify(params)}`,
    { skip },
    async () => {
      const rootfs = await slimRoot();
      const confinement = params.enter === 'schroot' ? trusted : confined;
      await using made = await makeInstance(schroot, params, rootfs, confinement);
      const read = async () => {
        await using session = await made.instance.session();
        return (await session.run(['sh', '-c', 'cat /etc/kept; ls /etc/issue'], { accept: 'any' })).stdout.toString();
      };
      {
        await using session = await made.instance.session();
        await session.run(['sh', '-c', 'echo kept > /etc/kept; rm /etc/issue']);
      }
      await made.instance.stop();
      assert.deepEqual(await sessions(), []);
      assert.equal(await read(), 'kept\n');
      assert.equal((await sessions()).length, 1);
      await made.instance.stop();
      await read();
      const [name = ''] = await sessions();
      await runProcess(['schroot', '--end-session', '--force', `--chroot=${name}`], { cwd: '/' });
      assert.equal(await read(), 'kept\n');
      assert.deepEqual(readdirSync('/etc/schroot/chroot.d').filter(isOurs), []);
    },
  );
}

test('schroot: killed while a session begins, it leaves nothing that sweep does not find', { skip }, async () => {
  const rootfs = await slimRoot();
  const script = fileURLToPath(new URL('../contract/backend-victim.ts', import.meta.url));
  for (const params of [directory, file]) {
    for (let number = 0; number < 4; number += 1) {
      const top = folder('killed');
      const state = join(top, 'instance');
      const image = await schroot.assemble(rootfs, params, backendContext(join(top, 'image')));
      const argv = [script, module.href, exported, 'launched', top, `k-${process.pid}-${number}`, 'marker'];
      const victim = spawn(process.execPath, argv, { stdio: ['pipe', 'ignore', 'inherit'] });
      const ended = new Promise((resolve) => victim.once('exit', resolve));
      victim.stdin.end(JSON.stringify({ rootfs, params, confinement: confined }));
      while (!existsSync(join(state, 'record.json'))) await sleep(1);
      await sleep(Math.random() * 120);
      victim.kill('SIGKILL');
      await ended;
      const context = backendContext(state);
      const name = `k-${process.pid}-${number}`;
      const record = { name, backend: 'schroot', image, confinement: confined, facts: recorded(state) };
      await schroot.sweep(record, params, context);
      assert.equal(await (await schroot.attach(record, params, context)).status(), 'gone');
      assert.deepEqual(await left(), []);
      rmSync(top, { recursive: true, force: true });
    }
  }
});

test('schroot: what it cannot confine it refuses, and where schroot would follow a link, too', { skip }, async () => {
  const rootfs = await slimRoot();
  for (const params of [{ ...directory, enter: 'schroot' } as const, { ...directory, profile: 'default' }]) {
    await assert.rejects(makeInstance(schroot, params, rootfs), { name: 'UserError', status: 4 });
  }
  const root = await awkwardRoot();
  const victim = join(folder('victim'), 'file');
  writeFileSync(victim, 'mine\n');
  const hostile: Rootfs = { directory: root, digest: 'b'.repeat(64) };
  unlinkSync(join(root, 'etc/passwd'));
  for (const path of ['etc/passwd', 'etc/debian_chroot']) symlinkSync(victim, join(root, path));
  const params = { ...directory, profile: 'default' };
  await assert.rejects(makeInstance(schroot, params, hostile, trusted), { name: 'UserError', message: /is a link/ });
  await using made = await makeInstance(schroot, directory, hostile);
  await using session = await made.instance.session();
  await session.run(['true']);
  assert.equal(readFileSync(victim, 'utf8'), 'mine\n');
});

test('schroot: nothing of ours is left', { skip }, async () => {
  assert.deepEqual(await left(), []);
});

async function sessions(): Promise<string[]> {
  const { stdout } = await runProcess(['schroot', '--list', '--all-sessions'], { cwd: '/', accept: 'any' });
  return stdout
    .toString()
    .split('\n')
    .filter((line) => isOurs(line.replace('session:', '')));
}

/** What schroot has of ours, wherever. */
async function left(): Promise<string[]> {
  const folders = ['/etc/schroot/chroot.d', '/var/lib/schroot/unpack', '/run/schroot/mount'];
  const unions = ['overlay', 'underlay'].map((name) => join('/var/lib/schroot/union', name));
  const files = [...folders, ...unions].flatMap((path) =>
    existsSync(path) ? readdirSync(path).filter((name) => isOurs(name.replace(/^\./, ''))) : [],
  );
  return [...(await sessions()), ...files];
}

/** Made by this process: others may be at work here. */
function isOurs(name: string): boolean {
  return name.startsWith(`repronim-t-${process.pid}-`) || name.startsWith(`repronim-k-${process.pid}-`);
}
