import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';

import type { Argv } from '../model/index.ts';

/** A program of this machine that runs, and whose input is ours to write. */
export interface Piped {
  readonly input: Writable;
  /** Once all that it wrote was handed on: 128 + N for signal N, 127 where it is not there. */
  readonly status: Promise<number>;
}

/** Starts a program on pipes, for whoever writes and reads while it runs. Its descriptor 3 is one of ours. */
export function startPiped(
  argv: Argv,
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly descriptor: number;
    readonly stdin: boolean;
    onStdout(piece: Buffer): void | Promise<void>;
    onStderr(piece: Buffer): void | Promise<void>;
  },
): Piped {
  const child = spawn(argv[0], argv.slice(1), {
    env: options.env,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', options.descriptor],
    detached: true, // the terminal's signals are for us
  });
  child.stdin?.on('error', () => {}); // it may end before it has read all
  if (!options.stdin) child.stdin?.end();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(127) : reject(error)));
  child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  const handed = Promise.all([pass(child.stdout, options.onStdout), pass(child.stderr, options.onStderr)]);
  return { input: child.stdin as Writable, status: handed.then(async () => await promise) };
}

async function pass(stream: Readable | null, to: (piece: Buffer) => void | Promise<void>): Promise<void> {
  if (stream === null) return;
  for await (const piece of stream) await to(piece as Buffer);
}
