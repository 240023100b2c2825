import { existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '../../model/index.ts';
import { startService, type Service } from '../../sessions/service.ts';
import { missingRange } from '../../sessions/user-namespaces.ts';
import type { Endpoint } from '../../toolkits/engine/endpoint.ts';
import type { Direct } from '../../toolkits/engine/kind.ts';
import { ownSocket } from './endpoint.ts';

interface Serving {
  readonly endpoint: Endpoint;
  readonly service: Service;
}

/** One a process, however many ask for it. */
let running: Promise<Serving | undefined> | undefined;

/**
 * podman's own service (`podman system service`) with the user's own storage, for as long as we live; undefined where
 * the address is not that of the user's own podman, or podman is not installed. Containers don't need it to go on.
 */
export async function servePodman(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Endpoint | undefined> {
  if (endpoint.socketPath !== ownSocket(process.env, process.getuid?.() ?? 0)) return undefined;
  const last = await running?.catch(() => undefined);
  if (last !== undefined && last.service.status() !== undefined) running = undefined; // somebody has ended it
  running ??= serve(endpoint, signal);
  running.catch(() => (running = undefined));
  return (await running)?.endpoint;
}

/**
 * podman's own program, where nothing serves but what we would start ourselves: it is quicker than a service that has to
 * be started first, and leaves no monitor of each program for five minutes (containers.conf(5), `exit_command_delay`).
 */
export function ownProgram({ address, socketPath = '' }: Endpoint): Direct | undefined {
  const own = ownSocket(process.env, process.getuid?.() ?? 0);
  const isServedByUs = socketPath.startsWith(heldFolder);
  if (address !== `unix://${own}` || !(isServedByUs || !existsSync(own))) return undefined;
  return { program: 'podman', env: ownEnvironment() };
}

/** Where descriptors of ours are to be found by name. */
const heldFolder = '/proc/self/fd/';
const pathOnly = 0o10_000_000; // O_PATH, which Node has no name for
const prefix = 'repronim-podman-';
const longestWait = 30_000;

async function serve(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Serving | undefined> {
  clearAway();
  const folder = mkdtempSync(join(shortFolder(), `${prefix}${process.pid}-`));
  const started = performance.now();
  try {
    const socket = join(folder, 'podman.sock');
    const argv = ['podman', 'system', 'service', '--time=0', `unix://${socket}`] as const;
    const temporary = temporaryFolder();
    const service = startService(argv, {
      folder,
      ...(temporary === undefined
        ? { env: ownEnvironment() }
        : { env: { ...ownEnvironment(), TMPDIR: temporary }, temporary }),
    });
    for (let wait = 2; !existsSync(socket); wait = Math.min(wait * 2, 50)) {
      const status = service.status();
      if (status !== undefined) service.stop();
      if (status === 127) return undefined;
      if (status !== undefined) {
        const missing = await missingRange();
        if (missing !== undefined) throw new UserError(missing.because, { hint: missing.hint, status: 4 });
        throw new UserError(`podman system service ended with status ${status}`, {
          details: service.said().split('\n').filter(Boolean).slice(-8),
          hint: 'podman info says more; it has to work before repronim can use it',
          status: 4,
        });
      }
      if (signal?.aborted === true || performance.now() - started > longestWait) {
        service.stop();
        signal?.throwIfAborted();
        throw new UserError('podman system service does not answer', { hint: 'see what podman info says', status: 4 });
      }
      await sleep(wait);
    }
    // known to nobody but us, and gone with us: the socket itself is held, its name is not needed any more
    const held = openSync(socket, pathOnly);
    return { endpoint: { ...endpoint, socketPath: `${heldFolder}${held}` }, service };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Where it puts what is not whole yet: in a folder that tells whose it is, when it is killed before it tidies up. Of an
 * ordinary user, podman may have its containers' state there, too: that one stays as it is.
 */
function temporaryFolder(): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Folders of processes of ours that were killed before they could take them away. */
function clearAway(): void {
  for (const top of new Set([shortFolder(), tmpdir()])) {
    for (const name of readdirSync(top)) {
      const [, pid] = /^repronim-podman-([0-9]+)-/.exec(name) ?? [];
      const folder = join(top, name);
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
      if (statSync(folder, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue;
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** The kernel takes 107 bytes for the name of a socket. */
function shortFolder(): string {
  return Buffer.byteLength(tmpdir()) <= 60 ? tmpdir() : '/tmp';
}

/** What podman finds its storage, settings and helpers by. */
function ownEnvironment(): Record<string, string> {
  const known =
    /^(?:PATH|HOME|USER|LOGNAME|TMPDIR|LANG|LC_\w+|XDG_\w+|CONTAINERS_\w+|STORAGE_\w+|DBUS_SESSION_BUS_ADDRESS)$/;
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined && known.test(pair[0]),
    ),
  );
}
