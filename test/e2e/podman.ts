import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { need, scratch } from './need.ts';

/** Installs podman, without crun: it starts nothing where cgroups of both versions are mounted, and podman prefers it. */
export async function needPodman(): Promise<void> {
  await need('podman', 'runc', 'uidmap', 'slirp4netns', 'netavark', 'fuse-overlayfs');
}

/**
 * The address of podman's service, started on a socket of a test's own with the storage of whoever runs it; it ends
 * with this process.
 */
export async function withPodman(): Promise<string> {
  await needPodman();
  const socket = join(scratch('podman', 2 ** 20), 'podman.sock');
  const child = spawn('podman', ['system', 'service', '--time=0', `unix://${socket}`], { stdio: 'ignore' });
  child.unref();
  process.once('exit', () => child.kill('SIGTERM'));
  for (let tries = 0; !existsSync(socket); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error('podman system service does not start');
    await sleep(50);
  }
  return `unix://${socket}`;
}
