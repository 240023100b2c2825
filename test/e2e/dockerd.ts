import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { dockerEngine } from '../../src/backends/docker/index.ts';
import { connectEngine } from '../../src/toolkits/engine/client.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { need, scratch } from './need.ts';

const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

/** What a test, a bench or a suite hands over: where to put what has to be done at the end. */
interface Owner {
  after(work: () => Promise<void>): unknown;
}

/**
 * The address of a docker daemon: of the one that answers, else of one that is started for the time (as root), with
 * its own folders and socket and without a bridge, and ended with everything that it made.
 */
export async function withDockerd(owner: Owner): Promise<string> {
  const running = await connectEngine(dockerEngine, undefined).catch(() => undefined);
  if (running !== undefined) return running.address;
  return await startDockerd(owner);
}

/** The same, but always a daemon of its own; `data` is where its images and containers lie, also after it has ended. */
export async function startDockerd(owner: Owner, data?: string): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error('no docker daemon answers, and only root can start one');
  if (!(await has('dockerd'))) await need('docker.io', 'iptables');
  const folder = scratch('dockerd', 6 * 2 ** 30);
  const address = `unix://${join(folder, 'docker.sock')}`;
  writeFileSync(join(folder, 'daemon.json'), '{}'); // not this machine's
  const log = openSync(join(folder, 'log'), 'a');
  const flags = [
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-masq=false',
    '--config-file=/dev/null',
  ];
  const places = {
    'data-root': 'data',
    'exec-root': 'run',
    pidfile: 'pid',
    'config-file': 'daemon.json',
    host: 'docker.sock',
  };
  const child = spawn(
    'dockerd',
    [
      ...flags,
      ...Object.entries(places).map(
        ([flag, name]) =>
          `--${flag}=${flag === 'host' ? 'unix://' : ''}${flag === 'data-root' && data !== undefined ? data : join(folder, name)}`,
      ),
    ],
    { env: environment, stdio: ['ignore', log, log], detached: true },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  owner.after(() => stopDockerd(child.pid, ended, folder, address));
  // a test that is killed by the runner must not leave a daemon
  process.once('exit', () => child.kill('SIGTERM'));
  for (let tries = 0; tries < 300; tries += 1) {
    if (await connectEngine(dockerEngine, address).catch(() => undefined)) return address;
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  throw new Error(`dockerd does not answer:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`);
}

async function stopDockerd(
  pid: number | undefined,
  ended: Promise<void>,
  folder: string,
  address: string,
): Promise<void> {
  const engine = await connectEngine(dockerEngine, address).catch(() => undefined);
  const containers = ((await engine?.call('GET', '/containers/json', { query: { all: 1 } }).catch(() => [])) ??
    []) as readonly { Id: string }[];
  for (const { Id } of containers) {
    await engine?.call('DELETE', `/containers/${Id}`, { query: { force: 1, v: 1 } }).catch(() => {});
  }
  const containerd = pidIn(join(folder, 'run/containerd/containerd.pid'));
  if (pid !== undefined) await end(pid, ended);
  if (containerd !== undefined) await end(containerd, gone(containerd));
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.reverse()) await runProcess(['umount', '-l', path], { accept: 'any' });
  rmSync(folder, { recursive: true, force: true });
}

async function end(pid: number, ended: Promise<void>): Promise<void> {
  for (const [signal, seconds] of [
    ['SIGTERM', 20],
    ['SIGKILL', 5],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // it is gone
    }
    const first = await Promise.race([ended.then(() => 'ended'), sleep(seconds * 1000, 'late', { ref: false })]);
    if (first === 'ended') return;
  }
}

async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 600 && existsSync(`/proc/${pid}/exe`); tries += 1) await sleep(50);
}

function pidIn(file: string): number | undefined {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : Number.NaN;
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
}

async function has(program: string): Promise<boolean> {
  const found = await runProcess(['sh', '-c', 'command -v "$1"', 'sh', program], { env: environment, accept: 'any' });
  return found.status === 0;
}
