import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import type { Argv } from '../model/index.ts';

/** A program that serves us, and ends when we do. */
export interface Service {
  /** Its exit status, once it has ended; 127 where it is not installed. */
  status(): number | undefined;
  /** What it has said so far. */
  said(): string;
  stop(): void;
}

// Descriptor 3 is a pipe of ours: its end is our end, whatever ends us. All that the program has started and that has
// not made itself a group of its own is in this one.
// What it leaves in a folder that it was given goes after it.
const script =
  '(trap "" TERM; cat <&3 >/dev/null 2>&1; kill -TERM -$$; test -z "$0" || { sleep 1; rm -rf -- "$0"; }) & ' +
  'exec 3<&-; exec "$@"';

/**
 * Starts a program that ends with us, with what it has started; the terminal's signals don't reach it, and it keeps
 * nobody waiting. What it says goes to a file `log` in the folder, which may be removed; the folder `temporary` is removed
 * when it has ended with us.
 */
export function startService(
  argv: Argv,
  {
    folder,
    env,
    temporary = '',
  }: { readonly folder: string; readonly env: Readonly<Record<string, string>>; readonly temporary?: string },
): Service {
  const log = openSync(join(folder, 'log'), 'w+', 0o600);
  const child = spawn('/bin/sh', ['-c', script, temporary, ...argv], {
    env,
    cwd: '/',
    stdio: ['ignore', log, log, 'pipe'],
    detached: true, // a group of its own, whose number is the program's
  });
  let status: number | undefined;
  child.once('error', () => (status = 126));
  child.once('exit', (code) => (status = code ?? 128));
  child.unref();
  const life = child.stdio[3] as Duplex;
  life.on('error', () => {}); // it may end before us
  (life as unknown as { unref(): void }).unref();
  return {
    status: () => status,
    said: () => readFileSync(`/proc/self/fd/${log}`, 'utf8').slice(-4000),
    stop: () => void life.destroy(),
  };
}
