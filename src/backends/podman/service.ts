import { existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '../../model/index.ts';
import { startService } from '../../sessions/service.ts';
import type { Endpoint } from '../../toolkits/engine/endpoint.ts';
import { ownSocket } from './endpoint.ts';

/** One a process, however many ask for it. */
let running: Promise<Endpoint | undefined> | undefined;

/**
 * podman's own service (`podman system service`) with the user's own storage, for as long as we live; undefined where
 * the address is not that of the user's own podman, or podman is not installed. Containers don't need it to go on.
 */
export async function servePodman(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Endpoint | undefined> {
  if (endpoint.socketPath !== ownSocket(process.env, process.getuid?.() ?? 0)) return undefined;
  running ??= serve(endpoint, signal);
  running.catch(() => (running = undefined));
  return await running;
}

const pathOnly = 0o10_000_000; // O_PATH, which Node has no name for
const prefix = 'repronim-podman-';

async function serve(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Endpoint | undefined> {
  clearAway();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  try {
    const socket = join(folder, 'podman.sock');
    const argv = ['podman', 'system', 'service', '--time=0', `unix://${socket}`] as const;
    const service = startService(argv, { folder, env: ownEnvironment() });
    for (let wait = 2; !existsSync(socket); wait = Math.min(wait * 2, 50)) {
      const status = service.status();
      if (status === 127) return undefined;
      if (status !== undefined) {
        throw new UserError(`podman system service ended with status ${status}`, {
          details: service.said().split('\n').filter(Boolean).slice(-8),
          hint: 'podman info says more; it has to work before repronim can use it',
          status: 4,
        });
      }
      if (signal?.aborted === true) service.stop();
      await sleep(wait, undefined, { signal });
    }
    // known to nobody but us, and gone with us: the socket itself is held, its name is not needed any more
    return { ...endpoint, socketPath: `/proc/self/fd/${openSync(socket, pathOnly)}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Folders of processes of ours that were killed before they could take them away. */
function clearAway(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^repronim-podman-([0-9]+)-/.exec(name) ?? [];
    const folder = join(tmpdir(), name);
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    if (statSync(folder, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue;
    rmSync(folder, { recursive: true, force: true });
  }
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
