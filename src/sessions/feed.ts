import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { UserError, type Argv } from '../model/index.ts';
import { displayArgv } from './process.ts';

/** Runs a program of this machine on a stream. Throws UserError where it is not there or does not end with 0. */
export async function feedProcess(argv: Argv, input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const child = spawn(argv[0], argv.slice(1), {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'ignore', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, 1000)));
  const closed = once(child, 'close') as Promise<[number | null]>;
  // where the program ends before it has read all, its status says why
  const fed = pipeline(Readable.from(input), child.stdin).catch((error: Error) => error);
  let status: number | null;
  try {
    [status] = await closed;
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(`${argv[0]} is not installed here`, { status: 4, cause: error });
  }
  const broken = await fed;
  if (status !== 0) {
    throw new UserError(`${displayArgv(argv)} ended with status ${status}`, { details: said.trim().split('\n') });
  }
  if (broken !== undefined) throw broken;
}
