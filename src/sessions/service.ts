import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Argv } from '../model/index.ts';

/** A program that serves us, and ends when we do. */
export interface Service {
  readonly pid: number | undefined;
  /** Its exit status, once it has ended. */
  status(): number | undefined;
  /** What it has said so far. */
  said(): string;
  stop(): void;
}

/**
 * Starts a program that ends with us, whatever ends us (`PR_SET_PDEATHSIG`, prctl(2)); the terminal's signals don't
 * reach it, and it keeps nobody waiting. What it says goes to a file `log` in the folder.
 */
export function startService(
  argv: Argv,
  { folder, env }: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
): Service {
  const file = join(folder, 'log');
  const log = openSync(file, 'w+', 0o600);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...argv], {
    env,
    cwd: '/',
    stdio: ['ignore', log, log],
    detached: true,
  });
  let status: number | undefined;
  child.once('error', () => (status = 127));
  child.once('exit', (code) => (status = code ?? 128));
  child.unref();
  const end = () => void child.kill('SIGTERM');
  process.once('exit', end);
  const said = () => readFileSync(`/proc/self/fd/${log}`, 'utf8').slice(-4000);
  return {
    pid: child.pid,
    status: () => status,
    said,
    stop() {
      process.off('exit', end);
      end();
      closeSync(log);
    },
  };
}
