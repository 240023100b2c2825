/** Connections: the ways of ssh to a host that its users have set, one for everything, what breaks and what then. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ssh } from '../../src/backends/ssh/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { connectionTo } from '../../src/sessions/ssh/connection.ts';
import { backendContext, folder } from '../contract/backend-fixture.ts';
import { withSshd } from './sshd.ts';

const server = await withSshd();
after(async () => await server[Symbol.asyncDispose]());
const state = join(server.folder, 'state');

/** A configuration of a test's own: what it says, and then the server's. */
function configured(name: string, text: string): string {
  const file = join(server.folder, `config-${name}`);
  writeFileSync(file, `${text}\n${readFileSync(server.config, 'utf8')}`);
  return file;
}

async function say(host: string, config: string, word: string): Promise<string> {
  const at = await ssh.place?.enter?.(host, { folder: state, config }, backendContext(folder('say')));
  assert.ok(at !== undefined);
  await using session = at.session;
  return (await session.run(['echo', word])).stdout.toString();
}

/** A process that is not ours: what it knows of a connection is what lies in our folder. */
async function anew(host: string, config: string, word: string): Promise<string> {
  const program = `
    import { ssh } from ${JSON.stringify(new URL('../../src/backends/ssh/index.ts', import.meta.url).href)};
    const at = await ssh.place.enter(${JSON.stringify(host)}, ${JSON.stringify({ folder: state, config })}, {});
    process.stdout.write((await at.session.run(['echo', ${JSON.stringify(word)}])).stdout);
    process.exit(0);`;
  const argv = [process.execPath, '--no-warnings', '--input-type=module', '-e', program] as const;
  return (await runProcess(argv, { env: { ...process.env } as Record<string, string> })).stdout.toString();
}

async function endMaster(socket: string): Promise<void> {
  const asked = await runProcess(['ssh', '-F', '/dev/null', '-S', socket, '-O', 'check', 'x']);
  const pid = Number(/pid=(\d+)/.exec(asked.stderr.toString())?.[1]);
  process.kill(pid, 'SIGKILL');
  for (let tries = 0; existsSync(`/proc/${pid}/exe`) && tries < 100; tries += 1) await sleep(10);
}

test('a connection whose keeper was killed is made again', async () => {
  assert.equal(await anew('there', server.config, 'one'), 'one\n');
  const before = server.connections();
  assert.equal(await anew('there', server.config, 'two'), 'two\n');
  assert.equal(server.connections(), before, 'the next process goes over the same');
  await endMaster(connectionTo('there', server.config).socket);
  assert.equal(await anew('there', server.config, 'three'), 'three\n');
  assert.equal(server.connections(), before + 1);
});

test('a connection that the user keeps open himself is used, and left open', async () => {
  const own = join(server.folder, 'own');
  const config = configured('own', `Host there\n  ControlPath ${own}`);
  const master = spawn('ssh', ['-F', config, '-MN', 'there'], { stdio: 'ignore' });
  try {
    while (!existsSync(own)) await sleep(20);
    const before = server.connections();
    assert.equal(await say('there', config, 'mine'), 'mine\n');
    assert.equal(server.connections(), before);
    const connection = connectionTo('there', config);
    assert.ok(lstatSync(connection.socket).isSymbolicLink());
    await connection.close();
    assert.equal(existsSync(connection.socket), false);
    assert.equal((await runProcess(['ssh', '-F', config, '-O', 'check', 'there'])).status, 0);
  } finally {
    master.kill();
  }
});

test('jump hosts, aliases, conditions and the agent are those of ssh’s configuration', async () => {
  const jump = await withSshd();
  const started = await runProcess(['ssh-agent', '-s']);
  const variable = (name: string) => new RegExp(`${name}=([^;]+)`).exec(started.stdout.toString())?.[1] ?? '';
  const agent = variable('SSH_AUTH_SOCK');
  try {
    const key = join(jump.folder, 'id');
    await runProcess(['ssh-add', '-q', key], { env: { SSH_AUTH_SOCK: agent, PATH: '/usr/bin:/bin' } });
    const gate = readFileSync(jump.config, 'utf8').replace('Host there', 'Host gate').split('\nHost ')[0] ?? '';
    const asked = gate.replace(/^ {2}Identit.*\n/gm, ''); // its key is the agent's
    const config = configured('jump', `${asked}\nMatch originalhost inner\n  ProxyJump gate`);
    writeFileSync(config, readFileSync(config, 'utf8').replace('Host there', 'Host inner there'));
    process.env['SSH_AUTH_SOCK'] = agent;
    const before = [server.connections(), jump.connections()];
    assert.equal(await say('inner', config, 'through'), 'through\n');
    assert.deepEqual(
      [server.connections(), jump.connections()],
      before.map((count) => count + 1),
    );
    await connectionTo('inner', config).close();
  } finally {
    delete process.env['SSH_AUTH_SOCK'];
    process.kill(Number(variable('SSH_AGENT_PID')));
    await jump[Symbol.asyncDispose]();
  }
});

test('where a password would have to be typed, nothing waits for it', async () => {
  const config = join(server.folder, 'config-password');
  const without = readFileSync(server.config, 'utf8').replaceAll(/IdentityFile .*/g, 'IdentityFile /dev/null');
  writeFileSync(config, without);
  const started = performance.now();
  const probed = await ssh.probe({ host: 'there', folder: state, config }, backendContext(folder('probe')));
  assert.ok(!probed.usable);
  assert.match(probed.because, /Permission denied/);
  assert.match(probed.hint, /a key, or ssh-agent/);
  assert.ok(performance.now() - started < 10_000);
});

test('a hundred megabytes go there and come back as they are', async (t) => {
  const at = await ssh.place?.enter?.(
    'there',
    { folder: state, config: server.config },
    backendContext(folder('much')),
  );
  assert.ok(at !== undefined);
  await using session = at.session;
  const size = 100_000_000;
  const started = performance.now();
  const input = Buffer.alloc(size, 'abcdefg\n');
  const { stdout } = await session.run(['cat'], { input, limit: size });
  assert.ok(stdout.equals(input));
  t.diagnostic(`${((2 * size) / 1e3 / (performance.now() - started)).toFixed(0)} MB/s`);
});
