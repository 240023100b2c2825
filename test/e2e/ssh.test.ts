import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { safeParse } from 'valibot';

import type { InstanceRecord } from '../../src/contract/index.ts';
import { ssh } from '../../src/backends/ssh/index.ts';
import { sshParams, type SshParams } from '../../src/backends/ssh/params.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { UserError } from '../../src/model/index.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { straceTracer } from '../../src/tracers/strace/index.ts';
import { backendContext, capture, folder, makeInstance } from '../contract/backend-fixture.ts';
import { closing, processesWith } from '../contract/backend-helpers.ts';
import { testBackend } from '../contract/backend.ts';
import { apptainerHere } from './apptainer-here.ts';
import { haveOrSkip, need } from './need.ts';
import { needPodman } from './podman.ts';
import { smallRoot } from './roots.ts';
import { withSshd } from './sshd.ts';

await need('strace');
const user = `repronim-s${process.pid}`;
const single = `repronim-t${process.pid}`;
for (const name of [user, single]) {
  await runProcess(['useradd', '--create-home', '--', name]);
  await runProcess(['usermod', '-p', '*', '--', name]);
}
// whoever has no range of ids has one owner for all files
for (const file of ['/etc/subuid', '/etc/subgid']) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [''];
  const others = lines.filter((line) => !line.startsWith(`${single}:`));
  writeFileSync(file, others.join('\n'));
}
const server = await withSshd([user, single]);
const params: SshParams = { host: 'there', folder: `${server.folder}/state`, config: server.config };
const as = (host: string): SshParams => ({ ...params, host, folder: '.repronim' });
after(async () => {
  await server[Symbol.asyncDispose]();
  for (const name of [user, single]) await runProcess(['userdel', '-r', '-f', '--', name], { accept: 'any' });
});

testBackend({
  backend: ssh,
  params,
  module: new URL('../../src/backends/ssh/index.ts', import.meta.url),
  exported: 'ssh',
  rootfs: smallRoot,
});

test('ssh: a hundred programs over one connection', async (t) => {
  await using made = await makeInstance(ssh, params, await smallRoot());
  await using session = await made.instance.session();
  const before = server.connections();
  const started = performance.now();
  const streams = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;
  for (let count = 0; count < 100; count += 1) {
    assert.equal(await session.exec(['sh', '-c', `exit ${count}`], streams), count);
  }
  t.diagnostic(`${((performance.now() - started) / 100).toFixed(1)} ms for each`);
  assert.equal(server.connections(), before);
});

test('ssh: what cut the connection in the middle is said, and what is there is gone on with', async () => {
  const directory = folder('large');
  for (let count = 0; count < 6; count += 1) writeFileSync(join(directory, `file-${count}`), randomBytes(16 * 2 ** 20));
  const rootfs = { directory, digest: 'c'.repeat(64) };
  const state = folder('cut');
  let isCut = false;
  const context = {
    ...backendContext(join(state, 'image')),
    onProgress({ done = 0 }: { readonly done?: number }) {
      if (isCut || done < 70 * 2 ** 20) return;
      isCut = true;
      void server.cut();
    },
  };
  await assert.rejects(ssh.assemble(rootfs, params, context), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /connection to there (?:was|is) lost/);
    assert.match(error.hint ?? '', /again/);
    return true;
  });
  assert.ok(isCut);
  const trees = join(params.folder, 'rootfs');
  const part = join(trees, `${rootfs.digest}.part`);
  assert.ok(!existsSync(join(trees, rootfs.digest)), 'no half tree has the name');
  assert.ok(Number(readFileSync(join(part, 'done'), 'utf8')) > 0, 'some of it is there');
  // what is there is not carried again: it would be put back
  writeFileSync(join(part, 'tree/file-0'), 'carried before\n');
  const image = await ssh.assemble(rootfs, params, backendContext(join(state, 'image')));
  const whole = join(trees, rootfs.digest, 'tree');
  assert.equal(readFileSync(join(whole, 'file-0'), 'utf8'), 'carried before\n');
  for (let count = 1; count < 6; count += 1) {
    const name = `file-${count}`;
    assert.ok(readFileSync(join(whole, name)).equals(readFileSync(join(directory, name))), name);
  }
  await ssh.removeImage(image, params, context);
  assert.ok(!existsSync(join(trees, rootfs.digest)));
});

for (const [name, ids] of [
  [user, 'a range of ids'],
  [single, 'one id'],
] as const) {
  test(`ssh: an ordinary user of the host, with ${ids}: the same fingerprint`, async () => {
    const rootfs = await smallRoot();
    await using made = await makeInstance(ssh, as(name), rootfs);
    await using session = await made.instance.session();
    const { stdout } = await session.run(['sh', '-c', 'id -u; ls -ln /etc/shadow | cut -d" " -f1,2']);
    assert.equal(stdout.toString(), '0\n-rw-r----- 1\n');
    assert.deepEqual(await fingerprintOf(session.root), await fingerprintOf(localRoot(rootfs.directory)));
    await session.write('/etc/issue', 'changed\n');
    assert.notDeepEqual(await fingerprintOf(session.root), await fingerprintOf(localRoot(rootfs.directory)));
  });
}

for (const enter of ['apptainer', 'podman'] as const) {
  test(`ssh: a tree is entered by the host's own ${enter}: confined, and the same fingerprint`, async (t) => {
    const getPodman = async () => await needPodman().then(() => 'podman');
    const { have: program = '', skip } = await haveOrSkip(enter === 'podman' ? getPodman : apptainerHere);
    if (skip !== false) return t.skip(skip);
    const own = enter === 'podman' ? { ...params, enter } : { ...as(user), enter, program };
    const probed = await ssh.probe(own, backendContext(folder('probe')));
    assert.ok(probed.usable, JSON.stringify(probed));
    assert.match(probed.detail, new RegExp(`: ${enter}`));
    const rootfs = await smallRoot();
    await using made = await makeInstance(ssh, own, rootfs);
    await using session = await made.instance.session();
    const script = 'id -u; ls /sys/class/net; grep NoNewPrivs /proc/self/status; ls /home';
    assert.equal((await session.run(['sh', '-c', script])).stdout.toString(), '0\nlo\nNoNewPrivs:\t1\n');
    assert.deepEqual(await fingerprintOf(session.root), await fingerprintOf(localRoot(rootfs.directory)));
    await session.write('/etc/issue', 'mine\n');
    const again = await ssh.attach(JSON.parse(JSON.stringify(made.record)) as InstanceRecord, own, made.context);
    await using later = await again.session();
    assert.equal((await later.run(['cat', '/etc/issue'])).stdout.toString(), 'mine\n');
    await made.instance.remove();
    assert.equal(await again.status(), 'gone');
    await ssh.removeImage(made.record.image, own, made.context);
  });
}

test('ssh: a bare chroot is entered where that is said, and trusted', async () => {
  const own: SshParams = { ...params, enter: 'chroot' };
  const probed = await ssh.probe(own, backendContext(folder('probe')));
  assert.ok(!probed.usable && probed.whenTrusted === true);
  const rootfs = await smallRoot();
  await assert.rejects(makeInstance(ssh, own, rootfs), { name: 'UserError', status: 4 });
  await using made = await makeInstance(ssh, own, rootfs, { level: 'trusted', network: 'host', mounts: [] });
  await using session = await made.instance.session();
  assert.equal((await session.run(['cat', '/etc/debian_version'])).stdout.toString().slice(0, 2), '12');
});

test('ssh: a host is looked at as it is', async () => {
  const context = backendContext(folder('place'));
  const below = ['/etc', '/usr/share/perl5'];
  await using root = await ssh.place?.open('there', params, context);
  assert.ok(root !== undefined);
  const there = await Array.fromAsync(root.scan({ below, digests: ['sha256', 'md5'] }));
  const here = await Array.fromAsync(localRoot().scan({ below, digests: ['sha256', 'md5'] }));
  assert.deepEqual(there, here);
  for await (const { path, type } of root.scan({ below: ['/etc/apt'] })) {
    if (type === 'file') assert.deepEqual(await root.readFile(path), readFileSync(path), 'asked while it is scanned');
    if (path.includes('sources')) break;
  }
  await using poor = await ssh.place?.open(user, as(user), context);
  await assert.rejects(poor?.readFile('/etc/shadow') ?? Promise.resolve(), { name: 'RootError', code: 'EACCES' });
  await assert.rejects(root.readFile('/etc/passwd', 10), { code: 'EFBIG' });
  await assert.rejects(root.readFile('/etc'), { code: 'EISDIR' });
  await assert.rejects(root.readlink('/etc'), { code: 'EINVAL' });
});

test('ssh: without modules of perl, the system’s programs make the digests', async () => {
  const hidden = join(server.folder, 'hidden/Digest');
  mkdirSync(hidden, { recursive: true });
  for (const module of ['SHA', 'MD5']) writeFileSync(join(hidden, `${module}.pm`), 'die "hidden";\n');
  await using bare = await withSshd([], [`PERL5LIB=${join(server.folder, 'hidden')}`]);
  const { digest, directory } = await smallRoot();
  const own = { host: 'there', folder: params.folder, config: bare.config };
  await using made = await makeInstance(ssh, own, { digest, directory });
  await using session = await made.instance.session();
  await session.run(['sh', '-c', 'printf x > "/odd\nname"']);
  const entries = await Array.fromAsync(session.root.scan({ digests: ['md5', 'sha256'] }));
  const odd = entries.find(({ path }) => path === '/odd\nname');
  assert.equal(odd?.sha256, '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881');
  assert.equal(odd.md5, '9dd4e461268c8034f5c8564e155c67a6');
  const here = (await Array.fromAsync(localRoot(directory).scan({ below: ['/etc', '/usr/bin'] }))).map(
    (entry) => entry.sha256,
  );
  const there = (await Array.fromAsync(session.root.scan({ below: ['/etc', '/usr/bin'] }))).map(
    (entry) => entry.sha256,
  );
  assert.deepEqual(there, here);
});

test('ssh: a host with neither perl nor GNU tools: this machine’s perl is brought along', async () => {
  await need('busybox-static');
  const hide = ['mount --bind /dev/null /usr/bin/perl', 'mount --bind /dev/null /usr/bin/zstd'];
  for (const tool of ['rm', 'cp', 'tar', 'gzip', 'env']) hide.push(`mount --bind /bin/busybox /usr/bin/${tool}`);
  const hidden = ['unshare', '--mount', '/bin/sh', '-c', `${hide.join(' && ')} && exec "$@"`, 'sh'];
  await using bare = await withSshd([user], [], hidden);
  const rootfs = await smallRoot();
  const own: SshParams = { host: user, folder: '.repronim-bare', config: bare.config };
  await using made = await makeInstance(ssh, own, rootfs);
  await using session = await made.instance.session();
  const { stdout } = await session.run(['sh', '-c', 'id -u; perl -e "print 1 + 1"; echo mine > /etc/issue']);
  assert.equal(stdout.toString(), '0\n2');
  assert.equal((await session.root.readFile('/etc/issue')).toString(), 'mine\n');
  await session.write('/etc/issue', readFileSync(join(rootfs.directory, 'etc/issue')));
  assert.deepEqual(await fingerprintOf(session.root), await fingerprintOf(localRoot(rootfs.directory)));
});

test('ssh: a command is traced on a host, as root and as an ordinary user', async () => {
  for (const name of ['there', user]) {
    const context = backendContext(folder('trace'));
    const at = await ssh.place?.enter?.(name, name === 'there' ? params : as(name), context);
    assert.ok(at !== undefined);
    await using session = at.session;
    await using out = closing(capture());
    const { uid, gid } = at.entered.as;
    const traced = await straceTracer.trace(['sh', '-c', 'cat /etc/os-release; id -u; exit 3'], {
      session,
      user: { uid, gid },
      cwd: '/tmp',
      env: { PATH: '/usr/bin:/bin' },
      stdin: 'ignore',
      stdout: out.descriptor,
      stderr: out.descriptor,
      stat: false,
      work: folder('work'),
      onProgress() {},
      signal: context.signal,
    });
    assert.equal(traced.status, 3);
    assert.match(out.text(), new RegExp(`\\n${uid}\\n$`));
    const paths = traced.accesses.map(({ path }) => path);
    for (const path of ['/usr/lib/os-release', '/usr/bin/cat', '/usr/bin/id']) assert.ok(paths.includes(path), path);
    assert.ok(!paths.some((path) => path.includes('repronim-')), 'nothing of ours');
  }
});

test('ssh: a container as a host, where nothing can be confined: refused, or trusted in a bare chroot', async () => {
  const without = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', '--'];
  await using poor = await withSshd([], [], without);
  const own = { host: 'there', folder: params.folder, config: poor.config };
  const probed = await ssh.probe(own, backendContext(folder('probe')));
  assert.ok(!probed.usable && probed.whenTrusted === true);
  const rootfs = await smallRoot();
  await assert.rejects(makeInstance(ssh, own, rootfs), { name: 'UserError', status: 4 });
  await using made = await makeInstance(ssh, own, rootfs, { level: 'trusted', network: 'host', mounts: [] });
  await using session = await made.instance.session();
  const { stdout } = await session.run([
    'sh',
    '-c',
    'id -u; ls /etc/debian_version; echo x 2>&1 >/dev/null; echo y > /made',
  ]);
  assert.equal(stdout.toString(), '0\n/etc/debian_version\n');
  assert.equal((await session.root.readFile('/made')).toString(), 'y\n');
  await session.write('/etc/issue', 'mine\n');
  assert.ok(!existsSync('/made'));
});

test('ssh: Ctrl-C, and a connection that is cut, end what runs there', async () => {
  for (const how of ['interrupt', 'cut'] as const) {
    const marker = `marker-${how}-${process.pid}`;
    const script = fileURLToPath(new URL('ssh-victim.ts', import.meta.url));
    const argv = [script, 'there', params.folder, server.config, marker];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (how === 'interrupt') process.kill(-(child.pid ?? 0), 'SIGINT');
    else await server.cut();
    await ended;
    assert.deepEqual(await processesWith(marker), [], how);
  }
});

test('ssh: a terminal of its own: its size, Ctrl-C', async () => {
  const script = fileURLToPath(new URL('ssh-terminal.ts', import.meta.url));
  const words = [process.execPath, script, 'there', params.folder, server.config].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty rows 33 cols 111; exec ${words}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (/^ready/m.test(text)) child.stdin.write('\x03');
  });
  await new Promise((resolve) => child.once('close', resolve));
  assert.match(said, /^\/dev\/pts\/0\r\n33 111\r\nready\r\n(\^C)?asked\r\nstatus 4\r\n$/);
});

test('ssh: hosts that are none, that are not known, that can’t be reached', async () => {
  for (const host of ['-oProxyCommand=touch /tmp/pwned', '-lroot', 'a b', '', 'a;b', '$(id)']) {
    assert.equal(safeParse(sshParams, { host }).success, false, host);
    const context = backendContext(folder('place'));
    await assert.rejects(
      async () => await ssh.place?.open(host, params, context),
      { name: 'UserError', status: 2 },
      host,
    );
  }
  const context = backendContext(folder('probe'));
  const stranger = await ssh.probe({ ...params, host: 'stranger' }, context);
  assert.ok(!stranger.usable);
  assert.match(stranger.because, /Host key verification failed/);
  assert.match(stranger.hint, /by hand/);
  const nowhere = await ssh.probe({ ...params, host: 'ssh://127.0.0.1:1' }, context);
  assert.ok(!nowhere.usable);
  assert.match(nowhere.because, /Connection refused/);
});
