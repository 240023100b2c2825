import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Session } from '../../src/contract/index.ts';
import { enclose } from '../../src/sessions/confined.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { smallRoot } from './roots.ts';

/** What a program from a stranger may try. Each attack is also run where it has to work: so that no check is idle. */

const attacks = readFileSync(new URL('attacks.pl', import.meta.url));
/** Docker's default capabilities; ours are fewer. */
const dockersDefault = '00000000a80425fb';
const skip = process.arch === 'x64' && process.geteuid?.() === 0 ? false : 'the attacks are written for root on x86_64';

let top: string;
let canary: string;
let sleeper: ChildProcess;
let root: string;
let disk: { readonly major: number; readonly minor: number };
let confined: Session;
let withNetwork: Session;
const servers: Server[] = [];

before(async () => {
  if (skip !== false) return;
  top = mkdtempSync(join(tmpdir(), 'repronim-escape-'));
  canary = join(top, 'canary');
  writeFileSync(canary, 'canary of the host\n');
  writeFileSync(join(top, 'anchor'), '');
  sleeper = spawn('sleep', ['600'], { stdio: 'ignore' });
  root = (await smallRoot()).directory;
  disk = device(statSync(top).dev);
  confined = await inside('none');
  withNetwork = await inside('host');
});

after(async () => {
  if (skip !== false) return;
  await confined[Symbol.asyncDispose]();
  await withNetwork[Symbol.asyncDispose]();
  sleeper.kill('SIGKILL');
  for (const server of servers) server.close();
  rmSync(top, { recursive: true, force: true });
});

/** An enclosure of its own over the small root; the upper folder has a device in it, as a hostile archive might. */
async function inside(network: 'none' | 'host'): Promise<Session> {
  const [upper, work] = [join(top, `upper-${network}`), join(top, `work-${network}`)];
  for (const folder of [upper, work, join(upper, 'tmp'), join(top, 'shown')]) mkdirSync(folder, { recursive: true });
  chmodSync(join(upper, 'tmp'), 0o1777);
  await runProcess(['mknod', '-m', '666', join(upper, 'device'), 'c', '1', '3']);
  copyFileSync('/usr/bin/id', join(upper, 'set-user-id'));
  chmodSync(join(upper, 'set-user-id'), 0o4755);
  writeFileSync(join(top, 'shown/anchor'), '');
  const mounts = [{ source: join(top, 'shown'), path: '/shown', readonly: true }];
  return await enclose({ root, overlay: { upper, work }, level: 'confined', network, mounts });
}

/** What an attack says inside, as root there and as an ordinary user. */
async function attackInside(session: Session, words: readonly string[], uid = 0): Promise<string> {
  const change =
    'my $u = shift; if ($u) { $( = $) = "$u $u"; $< = $> = $u } my $p = shift; eval do { local $/; <STDIN> } or die $@';
  const { stdout, stderr } = await session.run(['perl', '-e', change, '--', String(uid), '-', ...words], {
    input: attacks,
    accept: 'any',
  });
  return stdout.toString() + stderr.toString();
}

async function attackOutside(words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runProcess(['perl', '-', ...words], { input: attacks, accept: 'any' });
  return stdout.toString() + stderr.toString();
}

/** Asserts that an attack is kept inside, with and without a network, and reaches what it is after outside. */
function attack(
  title: string,
  words: () => readonly string[],
  options: {
    readonly outside?: (() => readonly string[]) | false;
    readonly uid?: number;
    readonly network?: 'none';
  } = {},
): void {
  test(title, { skip }, async () => {
    for (const session of options.network === 'none' ? [confined] : [confined, withNetwork]) {
      for (const uid of options.uid === undefined ? [0, 1000] : [options.uid]) {
        assert.match(await attackInside(session, words(), uid), /^kept/, `uid ${uid}`);
      }
    }
    if (options.outside === false) return;
    assert.match(await attackOutside((options.outside ?? words)()), /^REACHED/, 'it has to work outside');
  });
}

test('a second chroot', { skip }, async () => {
  assert.match(await attackInside(confined, ['chroot', canary]), /^kept/);
  const bare = join(top, 'bare');
  // The same program below a bare chroot, which is no sandbox.
  const script = `$r = shift; chroot $r or die; chdir '/'; exec 'perl', '-', @ARGV`;
  mkdirSync(bare);
  const { stdout } = await runProcess(['perl', '-e', script, root, 'chroot', canary], { input: attacks });
  assert.match(stdout.toString(), /^REACHED/);
});

attack("the host's files, by any path of /proc", () => ['paths', canary]);
attack('the program of process 1', () => ['first-exe', '1'], { outside: () => ['first-exe', String(sleeper.pid)] });
attack('the memory of process 1', () => ['first-memory', '1'], {
  outside: () => ['first-memory', String(sleeper.pid)],
});
attack("the kernel's settings", () => ['kernel-settings']);
attack("the kernel's memory and log", () => ['kernel-memory']);
// Whether a disk can be opened outside is up to the machine; whether null can be, is not.
attack('a device of its own making: a disk', () => ['mknod', 'b', String(disk.major), String(disk.minor), '/tmp'], {
  outside: false,
});
attack('a device of its own making: null', () => ['mknod', 'c', '1', '3', '/tmp'], {
  outside: () => ['mknod', 'c', '1', '3', '/dev'],
});
attack('a device that came with the tree', () => ['device-node', '/device'], {
  outside: () => ['device-node', join(top, 'upper-none/device')],
});
attack('mounts', () => ['mount'], { outside: false });
attack("mounts by the kernel's newer calls", () => ['new-mount-calls']);
attack('pivot_root', () => ['pivot-root']);
attack('namespaces of its own', () => ['namespaces']);
attack('the namespaces of processes outside', () => ['setns', String(sleeper.pid)]);
attack('the namespaces of process 1', () => ['setns', '1'], { outside: false });
attack('signals to a process outside', () => ['kill', String(sleeper.pid)], { outside: false });
attack('ptrace of a process outside', () => ['ptrace', String(sleeper.pid)]);
attack('memory of a process outside', () => ['read-memory', String(sleeper.pid)]);
attack("the network's other kinds: vsock", () => ['vsock']);
attack('typing into a terminal', () => ['type-ahead']);
attack('keys of the host', () => ['keyring'], { outside: false });
attack('calls that only the host needs', () => ['refused-calls']);
attack('the calls of x32', () => ['unknown-call'], { outside: false });
attack('more capabilities than Docker leaves', () => ['capabilities', dockersDefault]);
attack('descriptors that were left open', () => ['descriptors'], { outside: false });

test('mounts work outside, in a namespace of their own', { skip }, async () => {
  const { stdout } = await runProcess(['unshare', '-m', 'perl', '-', 'mount'], { input: attacks });
  assert.match(stdout.toString(), /^REACHED/);
});

test("namespaces are not the host's", { skip }, async () => {
  const ids = (kinds: readonly string[]) =>
    kinds.map((kind) => `${kind}=${/\[\d+\]/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[0]}`);
  const all = ['mnt', 'pid', 'ipc', 'uts', 'user', 'net'];
  assert.match(await attackInside(confined, ['same-namespaces', ...ids(all)]), /^kept/);
  assert.match(await attackInside(withNetwork, ['same-namespaces', ...ids(all.slice(0, 5))]), /^kept/);
  assert.match(await attackOutside(['same-namespaces', ...ids(all)]), /^REACHED/);
});

test('signals to everybody reach nobody outside, and do not end process 1', { skip }, async () => {
  await attackInside(confined, ['kill-all']);
  assert.equal(sleeper.exitCode ?? sleeper.signalCode, null);
  assert.equal((await confined.run(['echo', 'still'])).stdout.toString(), 'still\n');
  const victim = spawn('sleep', ['600'], { stdio: 'ignore' });
  const said = await attackOutside(['kill', String(victim.pid)]);
  victim.kill('SIGKILL');
  assert.match(said, /^REACHED/);
});

test('a file by its handle', { skip }, async () => {
  // struct file_handle of the canary, from name_to_handle_at(2).
  const program = `
    my $path = shift; my $handle = pack('L i a128', 128, 0, ''); my $id = pack 'i', 0;
    syscall(303, -100, $path, $handle, $id, 0) == 0 or die $!;
    print unpack 'H*', substr $handle, 0, 8 + unpack 'L', $handle`;
  const handle = (await runProcess(['perl', '-e', program, canary])).stdout.toString();
  for (const session of [confined, withNetwork]) {
    assert.match(await attackInside(session, ['file-handle', '/shown/anchor', handle]), /^kept/);
  }
  assert.match(await attackOutside(['file-handle', join(top, 'anchor'), handle]), /^REACHED/);
});

test('sockets of the host', { skip }, async (t) => {
  const file = join(top, 'socket');
  const abstract = `repronim-escape-${process.pid}`;
  const port = await listen(0);
  await listen(file);
  await listen(`\0${abstract}`);
  const addresses = [
    '127.0.0.1',
    ...Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ family }) => family === 'IPv4')
      .map(({ address }) => address),
  ];

  assert.match(await attackInside(confined, ['unix-socket', file]), /^kept/);
  assert.match(await attackInside(withNetwork, ['unix-socket', file]), /^kept/);
  assert.match(await attackOutside(['unix-socket', file]), /^REACHED/);

  assert.match(await attackInside(confined, ['unix-socket', `@${abstract}`]), /^kept/);
  assert.match(await attackOutside(['unix-socket', `@${abstract}`]), /^REACHED/);

  assert.match(await attackInside(confined, ['tcp', String(port), ...addresses]), /^kept/);
  assert.match(await attackInside(withNetwork, ['tcp', String(port), '127.0.0.1']), /^REACHED/, 'as was asked for');
  assert.match(await attackOutside(['tcp', String(port), '127.0.0.1']), /^REACHED/);

  const version = Number((await runProcess(['perl', '-e', 'print syscall(444, 0, 0, 1)'])).stdout.toString());
  if (version < 6)
    return t.diagnostic(`abstract sockets with the host's network: Landlock ${version} can't keep them away`);
  assert.match(await attackInside(withNetwork, ['unix-socket', `@${abstract}`]), /^kept/);
});

test('programs that change who runs them', { skip }, async () => {
  assert.match(await attackInside(confined, ['set-user-id', '/set-user-id'], 1000), /^kept euid 1000/);
  const program = join(top, 'set-user-id');
  copyFileSync('/usr/bin/id', program);
  chmodSync(program, 0o4755);
  chmodSync(top, 0o755);
  const { stdout } = await runProcess(
    ['setpriv', '--reuid=1000', '--clear-groups', 'perl', '-', 'set-user-id', program],
    { input: attacks },
  );
  assert.match(stdout.toString(), /^REACHED/);
});

test('keys work outside', { skip }, async () => {
  const add = `my @k = ('user', 'repronim-canary', 'secret'); syscall(248, @k, 6, -4) > 0 or die $!;`;
  const remove = `my @k = ('user', 'repronim-canary'); my $k = syscall(250, 10, -4, @k, 0); syscall(250, 9, $k, -4) == 0 or die $!`;
  await runProcess(['perl', '-e', add]);
  try {
    assert.match(await attackOutside(['keyring']), /^REACHED secret/);
    assert.match(await attackInside(confined, ['keyring']), /^kept/);
  } finally {
    await runProcess(['perl', '-e', remove]);
  }
});

test('the calls of i386', { skip }, async (t) => {
  const program = smallProgram([0xb8, 310, 0xbb, 0x10000000]); // unshare(CLONE_NEWUSER)
  const file = join(top, 'i386');
  writeFileSync(file, program, { mode: 0o755 });
  const outside = await attackOutside(['run', '0', file]);
  if (outside.includes('cannot run')) return t.skip('this kernel runs no i386 programs');
  assert.match(outside, /^REACHED/);
  await confined.write('/tmp/i386', program, 0o755);
  assert.match(await attackInside(confined, ['run', '1', '/tmp/i386']), /^REACHED status 1/, 'EPERM');
});

test('links in the tree do not lead us astray', { skip }, async () => {
  await confined.run(['ln', '-sfn', canary, '/tmp/link']);
  await confined.run(['ln', '-sfn', top, '/tmp/way']);
  await assert.rejects(confined.root.readFile('/tmp/link'), { code: 'ENOENT' });
  await assert.rejects(confined.root.readFile('/tmp/way/canary'), { code: 'ENOENT' });
  await confined.write('/tmp/way/canary', 'overwritten\n').catch(() => {});
  await confined.write('/tmp/link', 'overwritten\n');
  assert.equal(readFileSync(canary, 'utf8'), 'canary of the host\n');
});

test('what is mounted read-only stays as it is', { skip }, async () => {
  const script = 'echo x > /shown/new || mount -o remount,rw /shown || chmod 777 /shown/anchor || chown 1 /shown; true';
  await confined.run(['sh', '-c', script], { accept: 'any' });
  assert.deepEqual(readdirSync(join(top, 'shown')), ['anchor']);
  assert.equal(statSync(join(top, 'shown/anchor')).mode & 0o777, 0o644);
  assert.equal(statSync(join(top, 'shown')).uid, 0);
});

async function listen(where: number | string): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (typeof where === 'number') server.listen(where, '0.0.0.0', resolve);
    else server.listen(where, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function device(dev: number): { major: number; minor: number } {
  return { major: (dev >> 8) & 0xfff, minor: (dev & 0xff) | ((dev >> 12) & 0xfff00) };
}

/** An i386 ELF program: one system call, whose errno is its exit status. `mov eax, N; mov ebx, M; int 0x80; …`. */
function smallProgram([eax, number, ebx, argument]: [number, number, number, number]): Buffer {
  const code = Buffer.from([
    eax,
    0,
    0,
    0,
    0,
    ebx,
    0,
    0,
    0,
    0,
    0xcd,
    0x80,
    0xf7,
    0xd8,
    0x89,
    0xc3,
    0xb8,
    1,
    0,
    0,
    0,
    0xcd,
    0x80,
  ]);
  code.writeUInt32LE(number, 1);
  code.writeUInt32LE(argument, 6);
  const header = Buffer.alloc(52 + 32);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(3, 18);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(0x08048000 + 84, 24);
  header.writeUInt32LE(52, 28);
  header.writeUInt16LE(52, 40);
  header.writeUInt16LE(32, 42);
  header.writeUInt16LE(1, 44);
  for (const [at, value] of [
    [0, 1],
    [8, 0x08048000],
    [12, 0x08048000],
    [16, 84 + code.length],
    [20, 84 + code.length],
    [24, 5],
    [28, 0x1000],
  ] as const) {
    header.writeUInt32LE(value, 52 + at);
  }
  return Buffer.concat([header, code]);
}
