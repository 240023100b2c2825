import { spawn } from 'node:child_process';
import { constants } from 'node:os';

import { UserError, type Argv } from '../model/index.ts';
import type { ExecOptions, RunOptions, RunResult } from '../contract/index.ts';

/** A program that ended with a status that was not accepted. */
export class CommandFailed extends UserError {
  readonly argv: Argv;
  readonly result: RunResult;

  constructor(argv: Argv, result: RunResult) {
    const said = lastLines(result.stderr.length > 0 ? result.stderr : result.stdout);
    super(`${displayArgv(argv)} ended with status ${result.status}`, { details: said });
    this.name = 'CommandFailed';
    this.argv = argv;
    this.result = result;
  }
}

/** A command as one line for people; words that a shell would split are quoted. */
export function displayArgv(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

const defaultEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } as const;

/**
 * Runs a program of this machine to its end. Nothing of our environment is passed on but what `env` says.
 * An abort or a time-out ends the whole process group: SIGTERM, and SIGKILL two seconds later.
 * Status 127 where the program is not found, 126 where it can't be executed.
 */
export async function runProcess(
  argv: Argv,
  options: RunOptions & {
    /** Further descriptors of ours, which become 3, 4, … */
    readonly descriptors?: readonly number[];
  } = {},
): Promise<RunResult> {
  const limit = options.limit ?? 64 * 1024 * 1024;
  options.signal?.throwIfAborted();
  const child = spawn(argv[0], argv.slice(1), {
    cwd: options.cwd,
    env: { ...(options.env ?? defaultEnvironment) },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    detached: true,
  });
  const stop = stopper(child.pid);
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(stop, options.timeoutMs);
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const streams = Promise.all([collect(child.stdout, limit, stop), collect(child.stderr, limit, stop)]);
    if (options.input !== undefined) {
      child.stdin?.on('error', () => {}); // a program may end without reading all of it
      child.stdin?.end(options.input);
    }
    const status = await ended(child);
    const [stdout, stderr] = await streams;
    options.signal?.throwIfAborted();
    const result = { status, stdout, stderr };
    const accept = options.accept ?? [0];
    if (accept !== 'any' && !accept.includes(status)) throw new CommandFailed(argv, result);
    return result;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

/**
 * Runs a program of this machine on descriptors of ours; resolves with its exit status, 128 + N when signal N ended
 * it. It stays in our process group, so that the terminal's signals reach it.
 */
export async function execProcess(
  argv: Argv,
  options: Pick<ExecOptions, 'env' | 'cwd' | 'stdin' | 'stdout' | 'stderr' | 'signal'> & {
    /** Further descriptors of ours, which become 3, 4, … */
    readonly descriptors?: readonly number[];
  },
): Promise<number> {
  options.signal?.throwIfAborted();
  const child = spawn(argv[0], argv.slice(1), {
    cwd: options.cwd,
    env: { ...(options.env ?? defaultEnvironment) },
    stdio: [options.stdin, options.stdout, options.stderr, ...(options.descriptors ?? [])],
  });
  const stop = () => child.kill('SIGTERM');
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    return await ended(child);
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

/** The exit status of a child: 128 + N for signal N, 127 not found, 126 not executable. */
async function ended(child: ReturnType<typeof spawn>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') resolve(127);
    else if (error.code === 'EACCES' || error.code === 'ENOEXEC') resolve(126);
    else if (child.pid === undefined) reject(error);
  });
  child.once('close', (code, signal) => {
    resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  return await promise;
}

function stopper(pid: number | undefined): () => void {
  return () => {
    if (pid === undefined) return;
    signalGroup(pid, 'SIGTERM');
    setTimeout(() => signalGroup(pid, 'SIGKILL'), 2000).unref();
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it is gone, which is what was wanted
  }
}

async function collect(stream: NodeJS.ReadableStream | null, limit: number, stop: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (stream === null) return Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk as Uint8Array);
      size += bytes.length;
      if (size > limit) {
        stop();
        throw new UserError(`a program wrote more than ${limit} bytes`);
      }
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof UserError) throw error; // else: it could not be started, and `ended` says so
  }
  return Buffer.concat(chunks);
}

function lastLines(output: Buffer): string[] {
  const lines = output
    .toString('utf8')
    .split('\n')
    .map((line) => line.trimEnd().slice(0, 400));
  return lines.filter((line) => line !== '').slice(-12);
}
