import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { runProcess } from '../../src/sessions/process.ts';
import { need } from './need.ts';

/** An ssh server of a test's own, on a port of this machine that nobody else can reach. */
export interface Sshd extends AsyncDisposable {
  /** ssh's configuration, in which the server is host `there` (root), and `user` for that user. */
  readonly config: string;
  readonly folder: string;
  /** What the server has said so far. */
  log(): string;
  /** Connections that it has taken. */
  connections(): number;
  /** Cuts all connections, as a network that goes away would; the server stays. */
  cut(): Promise<void>;
}

/**
 * Starts one. `users` are further logins, each a host of the configuration under its own
 * name; `env` is what the server puts into every environment, `NAME=VALUE`;
 * `before` is a program that starts the server.
 */
export async function withSshd(
  users: readonly string[] = [],
  env: readonly string[] = [],
  before: readonly string[] = [],
): Promise<Sshd> {
  await need('openssh-server', 'openssh-client');
  const folder = mkdtempSync(join(tmpdir(), 'repronim-sshd-'));
  chmodSync(folder, 0o755);
  mkdirSync('/run/sshd', { recursive: true });
  for (const key of ['host', 'id', 'other']) {
    await runProcess(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)]);
  }
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'id.pub')), { mode: 0o644 });
  const port = await freePort();
  const settings = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'PermitRootLogin yes',
    'LogLevel VERBOSE',
    // bash would read ~/.bashrc before every command, whatever that does on this machine
    `SetEnv ${['SHLVL=5', ...env].join(' ')}`,
  ];
  writeFileSync(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
  const [kind, key] = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ');
  writeFileSync(join(folder, 'known'), `[127.0.0.1]:${port} ${kind} ${key}\n`);
  const host = (name: string, user: string, known = 'known') =>
    [
      `Host ${name}`,
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${user}`,
      `  IdentityFile ${join(folder, 'id')}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${join(folder, known)}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking yes',
    ].join('\n');
  writeFileSync(join(folder, 'none'), '');
  const hosts = [
    host('there', userInfo().username),
    host('stranger', userInfo().username, 'none'),
    ...users.map((user) => host(user, user)),
  ];
  const config = join(folder, 'config');
  writeFileSync(config, `${hosts.join('\n')}\n`);
  const log = join(folder, 'log');
  const [program, ...words] = [...before, '/usr/sbin/sshd', '-D', '-f', join(folder, 'sshd_config'), '-E', log];
  const server = spawn(program, words, { stdio: 'ignore' });
  const said = () => readFileSync(log, { encoding: 'utf8', flag: 'a+' });
  for (let tries = 0; !/Server listening/.test(said()); tries += 1) {
    if (tries > 200) throw new Error(`sshd does not start: ${said()}`);
    await sleep(25);
  }
  const cut = async () => {
    // of an ordinary user, a process of its own has the connection
    for (const pid of (await descendantsOf(server.pid ?? 0)).toReversed()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it went by itself
      }
    }
  };
  return {
    config,
    folder,
    log: said,
    connections: () => said().match(/^Connection from /gm)?.length ?? 0,
    cut,
    async [Symbol.asyncDispose]() {
      await cut();
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The sshd processes below one: not what runs in their sessions. */
async function descendantsOf(pid: number): Promise<number[]> {
  const { stdout } = await runProcess(['ps', '-C', 'sshd', '-o', 'pid=,ppid='], { accept: 'any' });
  const pairs = stdout
    .toString()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (top: number): number[] =>
    pairs.filter(([, parent]) => parent === top).flatMap(([child = 0]) => [child, ...below(child)]);
  return below(pid);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
