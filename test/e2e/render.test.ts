/** Rendered folders build, with sh as root and with docker, and both come to the same. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { openStore } from '../../src/archives/store.ts';
import { renderDockerfile } from '../../src/formats/render/dockerfile.ts';
import { renderScript } from '../../src/formats/render/script.ts';
import type { Plan } from '../../src/model/index.ts';
import { encodeHeader, tarEnd, tarPadding } from '../../src/roots/tar-header.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { withDockerd } from './dockerd.ts';
import { need, scratch } from './need.ts';

const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/** The smallest root that has a shell, tar and env: busybox. */
function* smallRoot(): Generator<Buffer> {
  const program = readFileSync('/bin/busybox');
  const own = { uid: 0, gid: 0, mtimeMs: 0, size: 0 };
  for (const name of ['bin', 'dev', 'etc', 'usr', 'usr/bin'])
    yield encodeHeader({ ...own, name, type: 'directory', mode: 0o755 });
  yield encodeHeader({ ...own, name: 'bin/busybox', type: 'file', mode: 0o755, size: program.length });
  yield program;
  yield tarPadding(program.length);
  const links = [
    'bin/sh',
    'bin/tar',
    'bin/rm',
    'bin/cut',
    'bin/grep',
    'bin/cat',
    'bin/ls',
    'bin/touch',
    'bin/test',
    'bin/mknod',
    'usr/bin/env',
  ];
  for (const name of links) yield encodeHeader({ ...own, name, type: 'link', mode: 0o777, target: '/bin/busybox' });
  for (const name of ['etc/passwd', 'etc/group']) {
    yield encodeHeader({ ...own, name, type: 'file', mode: 0o644, size: 9 });
    yield Buffer.from('root:x:0:');
    yield tarPadding(9);
  }
  yield tarEnd;
}

async function* rootTar(): AsyncGenerator<Uint8Array> {
  yield* smallRoot();
}

const because = 'for the test';
const plan: Plan = {
  bootstrap: { id: 'small', type: 'small', summary: 'busybox' },
  contents: [],
  steps: [
    { do: 'account', name: 'u', uid: 1234, gid: 1234, home: '/home/u', because },
    { do: 'write', path: '/home/u/two words', content: "it's $(here)\n", mode: '0640', uid: 1234, gid: 1234, because },
    { do: 'link', path: '/out', target: '/tmp-of-the-host', because },
    { do: 'write', path: '/gone', content: '', because },
    { do: 'remove', path: '/gone', because },
    { do: 'run', argv: ['touch', '/made; $(touch oops)'], because },
  ],
};

function check(root: string): void {
  assert.equal(readFileSync(join(root, 'home/u/two words'), 'utf8'), "it's $(here)\n");
  const stat = statSync(join(root, 'home/u/two words'));
  assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o7777], [1234, 1234, 0o640]);
  assert.equal(statSync(join(root, 'home')).mode & 0o7777, 0o755);
  assert.ok(existsSync(join(root, 'made; $(touch oops)')));
  assert.ok(!existsSync(join(root, 'gone')) && !existsSync(join(root, 'oops')));
  assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /u:x:1234:1234::\/home\/u:\/bin\/sh\n$/);
}

test('the script makes the environment in a directory', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('chroot needs root');
  await need('busybox-static');
  const folder = scratch('render-script', 2 ** 26);
  const store = openStore(join(folder, 'store'));
  await renderScript(plan, join(folder, 'out'), { store, root: rootTar(), environment: { A: '1' } });
  const built = await runProcess(['sh', join(folder, 'out/build.sh'), 'made root'], { cwd: folder, env: environment });
  assert.match(built.stdout.toString(), /^chroot DIRECTORY \/usr\/bin\/env -i '?A=1'? \/bin\/sh\n$/);
  check(join(folder, 'made root'));
  const again = await runProcess(['sh', join(folder, 'out/build.sh'), 'made root'], {
    cwd: folder,
    env: environment,
    accept: 'any',
  });
  assert.notEqual(again.status, 0);
});

test('docker build makes the same', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('a docker daemon of our own needs root');
  await need('busybox-static');
  const address = await withDockerd(t);
  const env = { ...environment, DOCKER_HOST: address, DOCKER_BUILDKIT: '0' };
  if ((await runProcess(['docker', '--version'], { env, accept: 'any' })).status !== 0) await need('docker.io');
  const folder = scratch('render-docker', 2 ** 26);
  const store = openStore(join(folder, 'store'));
  await renderDockerfile(plan, join(folder, 'out'), { store, root: rootTar(), environment: { A: '$1 "x"' } });
  const built = await runProcess(['docker', 'build', '-q', '--network', 'none', join(folder, 'out')], { env });
  const image = built.stdout.toString().trim();
  const made = await runProcess(['docker', 'create', '--network', 'none', image], { env });
  const container = made.stdout.toString().trim();
  t.after(async () => {
    await runProcess(['docker', 'rm', '-f', container], { env, accept: 'any' });
    await runProcess(['docker', 'rmi', '-f', image], { env, accept: 'any' });
  });
  const { stdout } = await runProcess(['docker', 'inspect', '--format', '{{json .Config.Env}}', container], { env });
  assert.ok((JSON.parse(stdout.toString()) as string[]).includes('A=$1 "x"'));
  const root = join(folder, 'root');
  await mkdir(root);
  const tar = await runProcess(['docker', 'export', container], { env, limit: 2 ** 28 });
  await runProcess(['tar', '-xpf', '-', '-C', root, '--numeric-owner'], { input: tar.stdout });
  check(root);
});
