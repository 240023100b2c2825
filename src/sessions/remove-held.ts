import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isWithin, UserError } from '../model/index.ts';
import { enterEnvironment, openParameters } from './enter.ts';
import { endHolder, isAlive, readEngine, readHolder, type Holder } from './held.ts';
import { findMapping, mapArgv } from './mapped.ts';
import { runProcess } from './process.ts';

/** What holding puts into a state folder. */
const heldNames = ['users', 'lock', 'holder', 'holder.new', 'engine', 'engine.log'];

/**
 * Ends what runs in an instance and removes its files (those of holding, and `own`), also those that belong to subordinate ids. Idempotent.
 * Never crosses a mount: where one lies below, nothing is removed, and UserError names it.
 */
export async function removeHeld(state: string, own: readonly string[]): Promise<void> {
  await endRunning(state);
  const paths = [...own, ...heldNames].map((name) => join(state, name)).filter(isThere);
  if (paths.length === 0) return;
  const mounts = mountsBelow(paths);
  if (mounts.length > 0) {
    throw new UserError(`${state} is not removed: ${mounts.join(', ')} is mounted in it`, {
      hint: `unmount it first: umount ${mounts[0]}`,
    });
  }
  const mapped = mapArgv(findMapping(), ['/bin/rm', '-rf', '--one-file-system', '--', ...paths]);
  using parameters = openParameters(mapped.fields);
  await runProcess(mapped.argv, { env: enterEnvironment, cwd: '/', descriptors: [parameters.descriptor] });
}

/**
 * Ends process 1 of an instance, and with it every other; resolves when it is gone and its mounts with it. One that is
 * just being started is waited for, and ended then.
 */
export async function endRunning(state: string): Promise<void> {
  for (const since = performance.now(); performance.now() - since < patience;) {
    for (const first of [readHolder(state), readEngine(state)]) if (first !== undefined) await end(first);
    if (!isLocked(state)) return;
    await pause(2);
  }
}

/** Whoever starts or holds an instance has its file `lock` locked; flock(2) has no way to ask but this. */
function isLocked(state: string): boolean {
  const inode = lstatSync(join(state, 'lock'), { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return false;
  return readFileSync('/proc/locks', 'latin1')
    .split('\n')
    .some((line) => line.includes(' FLOCK ') && line.includes(`:${inode} `));
}

async function end(first: Pick<Holder, 'pid' | 'start'>): Promise<void> {
  endHolder(first);
  // The kernel ends all the others first; usually some milliseconds.
  for (const since = performance.now(); isAlive(first) && performance.now() - since < patience;) await pause(2);
}

const patience = 5000;

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Mount points at or below paths, as proc_pid_mountinfo(5) has them: also binds of the same filesystem. */
function mountsBelow(paths: readonly string[]): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    );
  return mounts.filter((mount) => paths.some((path) => isWithin(mount, path)));
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
