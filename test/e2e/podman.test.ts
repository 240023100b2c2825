import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { podman } from '../../src/backends/podman/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import type { Argv } from '../../src/model/index.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import type { EngineParams } from '../../src/toolkits/engine/params.ts';
import { testBackend } from '../contract/backend.ts';
import { backendContext, folder, makeInstance } from '../contract/backend-fixture.ts';
import { haveOrSkip } from './need.ts';
import { needPodman } from './podman.ts';
import { slimRoot } from './roots.ts';

const params: EngineParams = { image: 'repronim-test', network: 'default' };
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

const { skip } = await haveOrSkip(needPodman);
after(async () => {
  if (skip !== false) return;
  const { digest } = await slimRoot();
  const image = { backend: 'podman', reference: `${params.image}:${digest}`, rootfs: digest };
  await podman.removeImage(image, params, backendContext(folder('image')));
});

testBackend({
  backend: podman,
  params,
  module: new URL('../../src/backends/podman/index.ts', import.meta.url),
  exported: 'podman',
  rootfs: slimRoot,
  skip,
});

test('what is seen of it is the rootfs, to the bit, running or not', { skip }, async () => {
  const rootfs = await slimRoot();
  await using made = await makeInstance(podman, params, rootfs);
  const expected = await fingerprintOf(localRoot(rootfs.directory));
  {
    await using session = await made.instance.session();
    assert.deepEqual(await fingerprintOf(session.root), expected);
    const facts = String((await session.run(['cat', '/proc/self/status'])).stdout);
    assert.match(facts, /^NoNewPrivs:\t1$/m);
    assert.match(facts, /^Seccomp:\t2$/m);
    const [, capabilities = 'ffff'] = /^CapEff:\t([0-9a-f]+)$/m.exec(facts) ?? [];
    // no more than docker gives: podman's own default has even fewer
    assert.equal(BigInt(`0x${capabilities}`) & ~0xa80425fbn, 0n, capabilities);
    await session.run(['sh', '-c', 'echo >>/etc/passwd']);
    assert.notEqual((await fingerprintOf(session.root)).digest, expected.digest);
    await session.run(['sh', '-c', 'head -c -1 /etc/passwd >/tmp/p; cat /tmp/p >/etc/passwd; rm /tmp/p']);
  }
  await made.instance.stop();
  await using stopped = await made.instance.session();
  assert.deepEqual(await fingerprintOf(stopped.root), expected);
  assert.equal(await made.instance.status(), 'stopped');
  {
    await using starting = await made.instance.session();
    await starting.run(['true']);
    assert.equal(await made.instance.status(), 'running');
  }
  assert.equal(await made.instance.status(), 'stopped', 'nobody is in any more');
});

test('names that would be patterns are names', { skip }, async () => {
  await using made = await makeInstance(podman, params, await slimRoot());
  await using session = await made.instance.session();
  await session.run([
    'sh',
    '-c',
    'cd /srv; for n in "a[b]" ab "c*" cd "e\\\\f" "g?"; do printf "%s\\n" "$n" >"$n"; done; ln -s ab "l[x]"',
  ]);
  for (const name of ['a[b]', 'ab', 'c*', 'e\\f', 'g?']) {
    assert.equal((await session.root.readFile(`/srv/${name}`)).toString(), `${name}\n`);
  }
  assert.equal(await session.root.readlink('/srv/l[x]'), 'ab');
  assert.deepEqual(await session.root.realpath(['/srv/l[x]', '/srv/[a]b', '/usr/bin/[']), [
    '/srv/ab',
    undefined,
    '/usr/bin/[',
  ]);
});

test('programs leave nothing behind that watches them', { skip }, async () => {
  await using made = await makeInstance(podman, params, await slimRoot());
  const id = String(made.record.facts['id']);
  const instance = await podman.attach(made.record, params, made.context);
  const streams = { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' } as const;
  assert.equal(await instance.exec?.(['/bin/sh', '-c', 'exit 7'], streams), 7);
  {
    await using session = await instance.session();
    await session.run(['true']);
    await assert.rejects(session.run(['sleep', '60'], { timeoutMs: 200 }), /status 143/);
  }
  const watched = async () => {
    const { stdout } = await runProcess(['ps', '-e', '-o', 'args=']);
    const monitors = stdout
      .toString()
      .split('\n')
      .filter((line) => line.includes(`conmon `) && line.includes(id));
    return monitors.map((line) => / -u (\w+)/.exec(line)?.[1]);
  };
  for (let tries = 0; tries < 40 && (await watched()).length > 1; tries += 1) await sleep(50);
  assert.deepEqual(await watched(), [id]);
});

test('a service of its own ends with us, however we end, and leaves nothing', { skip }, async () => {
  const victim = spawn(process.execPath, [script('podman-victim.ts'), join(folder('victim'), 'state')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await new Promise((resolve) => victim.stdout.once('data', (data) => resolve([String(data)])))) as [
    string,
  ];
  assert.match(said, /^answers /);
  const services = await servicesOf(victim.pid);
  assert.ok(services.length >= 1);
  victim.kill('SIGKILL');
  for (let tries = 0; tries < 100 && services.some(isRunning); tries += 1) await sleep(50);
  assert.deepEqual(services.filter(isRunning), []);
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`repronim-podman-${victim.pid}-`));
  assert.deepEqual(left, []);
});

test('an ordinary user with subordinate ids: the same fingerprint, owners and all', { skip }, async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('only root can make a user');
  const top = folder('rootless');
  const name = `repronim-${process.pid}`;
  const [own, archive] = [join(top, 'own'), join(top, 'rootfs.tar')];
  const rootfs = await slimRoot();
  await runProcess(['useradd', '--home-dir', own, '-K', 'SUB_UID_MIN=100000', '-K', 'SUB_UID_COUNT=65536', '--', name]);
  const as: Argv = ['runuser', '-u', name, '--'];
  const mine = { ...env, HOME: own, TMPDIR: own };
  try {
    const { stdout: id } = await runProcess(['id', '-u', name]);
    chmodSync(top, 0o755);
    mkdirSync(join(own, '.config/containers'), { recursive: true });
    for (const part of ['', '.config', '.config/containers']) chownSync(join(own, part), Number(id), Number(id));
    writeFileSync(join(own, '.config/containers/storage.conf'), '[storage]\ndriver = "overlay"\n');
    await runProcess(['tar', '-C', rootfs.directory, '--numeric-owner', '--exclude=./dev/*', '-cf', archive, '.']);
    const words = ['podman-rootless.ts', archive, own] as const;
    const readable = await runProcess([...as, process.execPath, '-e', `fs.readFileSync('${script(words[0])}')`], {
      accept: 'any',
    });
    if (readable.status !== 0) return t.skip('an ordinary user can read neither node nor this folder');
    const { stdout } = await runProcess([...as, process.execPath, script(words[0]), archive, own], {
      env: mine,
      cwd: '/',
    });
    const seen = JSON.parse(stdout.toString()) as Record<string, unknown>;
    const ofUser = async () =>
      (await runProcess(['ps', '-o', 'args=', '-u', name], { accept: 'any' })).stdout.toString();
    for (let tries = 0; tries < 100 && (await ofUser()).includes('system service'); tries += 1) await sleep(50);
    assert.doesNotMatch(await ofUser(), /system service/);
    assert.equal(seen['error'], undefined, JSON.stringify(seen['error']));
    assert.equal(seen['fingerprint'], (await fingerprintOf(localRoot(rootfs.directory))).digest);
    assert.deepEqual(
      [seen['root'], seen['status'], seen['said'], seen['again']],
      ['0\n33:34', 3, '1234\n1235\n1234\n', '640 0 42\n644 33 34'],
    );
  } finally {
    await runProcess([...as, 'podman', 'system', 'reset', '--force'], { env: mine, cwd: '/', accept: 'any' });
    await runProcess(['sh', '-c', 'kill -KILL $(ps -o pid= -u "$1"); userdel -- "$1"', 'sh', name], { accept: 'any' });
    rmSync(top, { recursive: true, force: true });
  }
});

function isRunning(pid: number): boolean {
  // one that has ended and was not waited for has no program any more
  return existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`).length > 0;
}

async function servicesOf(parent: number | undefined): Promise<number[]> {
  const { stdout } = await runProcess(['ps', '-e', '-o', 'pid=,ppid=,pgid=']);
  const rows = stdout
    .toString()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const groups = rows.filter(([, ppid]) => ppid === parent).map(([pid]) => pid);
  return rows.flatMap(([pid = 0, , pgid]) => (groups.includes(pgid) ? [pid] : []));
}
