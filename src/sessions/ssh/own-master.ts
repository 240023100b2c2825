import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';

import { runProcess } from '../process.ts';
import { sshEnvironment } from './environment.ts';

/**
 * The control socket that the user's own settings name for a host (ControlPath, ssh_config(5)), where he keeps a
 * connection open over it: one that was made with a password or a second factor, say, which we could not give.
 */
export async function ownMaster(host: string, config: string | undefined): Promise<string | undefined> {
  const settings = config === undefined ? [] : ['-F', config];
  const said = await ask(['ssh', ...settings, '-G', '--', host]);
  const named = /^controlpath (.+)$/m.exec(said ?? '')?.[1]?.replace(/^~(?=\/)/, homedir());
  if (named === undefined || !named.startsWith('/') || isHeld(named) === false) return undefined;
  const answers = await ask(['ssh', ...settings, '-S', named, '-O', 'check', '--', host]);
  return answers === undefined ? undefined : named;
}

/** Whether a socket of ours is but a link to the user's own: it is not ours to close. */
export function isOfUser(socket: string): boolean {
  return lstatSync(socket, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/**
 * Whether some process listens at a control socket, as the kernel knows it; undefined where it does not say. ssh binds
 * it under a longer name first.
 */
export function isHeld(socket: string): boolean | undefined {
  try {
    const path = isOfUser(socket) ? readlinkSync(socket) : socket;
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
    const names = readFileSync('/proc/net/unix', 'utf8').split('\n');
    return names.some((line) => line.endsWith(` ${path}`) || line.includes(` ${path}.`));
  } catch {
    return undefined; // another kernel than Linux
  }
}

async function ask(argv: readonly [string, ...string[]]): Promise<string | undefined> {
  const { status, stdout } = await runProcess(argv, { env: sshEnvironment(), accept: 'any', timeoutMs: 10_000 });
  return status === 0 ? stdout.toString() : undefined;
}
