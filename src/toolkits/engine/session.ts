import { posix } from 'node:path';

import { UserError, type Argv } from '../../model/index.ts';
import type { ExecOptions, RunOptions, RunResult, Session } from '../../contract/index.ts';
import { CommandFailed } from '../../sessions/process.ts';
import type { Instead } from '../../roots/tar-index.ts';
import { containerFiles, placeFile, placeIn, tarOf } from './archive.ts';
import type { Engine } from './client.ts';
import { pairsOf } from './container.ts';
import type { Executing, Execution, Streamed } from './command.ts';
import type { EngineParams } from './params.ts';
import { tarOfExport } from './export.ts';
import { execDirect, executeDirect } from './direct.ts';
import { execute } from './exec.ts';
import { containerRoot } from './root.ts';
import { feed, followSize, leaveNewlines, windowSize, writeAll } from './streams.ts';

const defaultEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } as const;

export interface SessionParts {
  readonly engine: Engine;
  readonly container: string;
  readonly name: string;
  /** What holds for programs where nothing else is said. */
  readonly params: Pick<EngineParams, 'env' | 'user' | 'workdir'>;
  /** Starts the container where it is not running. */
  readonly ensureRunning: () => Promise<void>;
  readonly instead: () => Promise<Instead>;
  readonly leave: () => Promise<void>;
}

/** Being in a container, by the engine's exec and archive endpoints. */
export function containerSession(parts: SessionParts): Session {
  const { engine, container, name, params, ensureRunning, instead, leave } = parts;
  const files = containerFiles(engine, container);
  const root = containerRoot(engine, container, name, files, instead);
  const direct = engine.kind.direct?.(engine.endpoint);
  const begin = async (what: Streamed) =>
    direct === undefined ? await execute(engine, container, what) : executeDirect(direct, container, what);

  return {
    root,
    async run(argv, options: RunOptions = {}): Promise<RunResult> {
      options.signal?.throwIfAborted();
      await ensureRunning();
      const limit = options.limit ?? 64 * 1024 * 1024;
      const stdout = collector(limit);
      const stderr = collector(limit);
      const running = await begin({
        argv,
        env: { ...pairsOf(params.env), ...(options.env ?? defaultEnvironment) },
        cwd: options.cwd ?? params.workdir ?? '/',
        stdin: options.input !== undefined,
        onStdout: stdout.take,
        onStderr: stderr.take,
      });
      running.input.on('error', () => {}); // a program may end without reading all of it
      if (options.input !== undefined) running.input.end(options.input);
      const status = await supervise(running, options.signal, options.timeoutMs, [stdout, stderr]);
      root.changed();
      options.signal?.throwIfAborted();
      if (stdout.isFull() || stderr.isFull()) throw new UserError(`a program wrote more than ${limit} bytes`);
      const result = { status, ...sorted(status, stdout.whole(), stderr.whole()) };
      const accept = options.accept ?? [0];
      if (accept !== 'any' && !accept.includes(status)) throw new CommandFailed(argv, result);
      return result;
    },
    async exec(argv, options: ExecOptions) {
      options.signal?.throwIfAborted();
      await ensureRunning();
      const what = executionOf(argv, options, params);
      try {
        if (direct !== undefined) return await execDirect(direct, container, what, options);
        return await execStreamed(begin, what, options);
      } finally {
        root.changed();
      }
    },
    async write(path, content, mode = 0o644) {
      root.changed();
      const file = await placeFile(files, posix.normalize(path), Buffer.from(content as Uint8Array), mode);
      await files.put('/', file);
    },
    async untar(stream, into) {
      root.changed();
      await files.put('/', await placeIn(files, into, stream));
    },
    tar: (paths) => (engine.kind.givesOwners ? tarOf(files, paths) : tarOfExport(engine, container, files, paths)),
    async [Symbol.asyncDispose]() {
      await root[Symbol.asyncDispose]();
      await leave();
    },
  };
}

/** What a program is run as, where `options` and then the parameters say it. */
export function executionOf(argv: Argv, options: ExecOptions, params: SessionParts['params']): Execution {
  return {
    argv,
    env: { ...pairsOf(params.env), ...(options.env ?? defaultEnvironment) },
    cwd: options.cwd ?? params.workdir ?? '/',
    otherwiseIn: options.otherwise,
    user: options.user,
    otherwise: params.user,
    tty: options.tty === true,
  };
}

/** On descriptors of ours, which we read and write ourselves. */
async function execStreamed(
  begin: (what: Streamed) => Promise<Executing>,
  what: Execution,
  options: ExecOptions,
): Promise<number> {
  const tty = what.tty === true;
  const [stdin, stdout, stderr] = [
    descriptor(options.stdin, 0),
    descriptor(options.stdout, 1),
    descriptor(options.stderr, 2),
  ];
  const running = await begin({
    ...what,
    size: tty ? windowSize(stdout ?? 1) : undefined,
    stdin: stdin !== undefined,
    onStdout: async (piece) => (stdout === undefined ? undefined : await writeAll(stdout, piece)),
    onStderr: async (piece) => (stderr === undefined ? undefined : await writeAll(stderr, piece)),
  });
  running.input.on('error', () => {});
  const stopFeeding = stdin === undefined ? undefined : feed(stdin, running.input, tty);
  if (tty && stdin !== undefined) await leaveNewlines(stdin);
  const stopSizing = tty ? followSize(stdout ?? 1, running.resize) : undefined;
  try {
    return await supervise(running, options.signal, undefined, []);
  } finally {
    stopFeeding?.();
    stopSizing?.();
  }
}

/** Where the program could not be started at all, the engine says so in place of its output. */
function sorted(status: number, stdout: Buffer, stderr: Buffer): { stdout: Buffer; stderr: Buffer } {
  const isEngine =
    (status === 126 || status === 127) && stderr.length === 0 && stdout.toString('latin1', 0, 11) === 'OCI runtime';
  return isEngine ? { stdout: stderr, stderr: stdout } : { stdout, stderr };
}

interface Collector {
  readonly take: (piece: Buffer) => void;
  isFull(): boolean;
  whole(): Buffer;
  /** Called when more comes than is kept. */
  onFull?: () => void;
}

function collector(limit: number): Collector {
  const pieces: Buffer[] = [];
  let size = 0;
  const made: Collector = {
    take(piece) {
      size += piece.length;
      if (size <= limit) pieces.push(piece);
      else made.onFull?.();
    },
    isFull: () => size > limit,
    whole: () => Buffer.concat(pieces),
  };
  return made;
}

/** Waits for the end; an abort, a time-out or too much output end the program: TERM, and KILL two seconds later. */
async function supervise(
  running: Executing,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  collectors: readonly Collector[],
): Promise<number> {
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    if (killing !== undefined) return;
    killing = setTimeout(() => void running.signal('KILL').catch(() => {}), 2000);
    running.signal('TERM').catch(() => {}); // the daemon went away: then the streams end, too
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs);
  for (const one of collectors) one.onFull = stop;
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    return await running.status;
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    signal?.removeEventListener('abort', stop);
  }
}

function descriptor(given: number | 'ignore' | 'inherit', inherited: number): number | undefined {
  if (given === 'ignore') return undefined;
  return given === 'inherit' ? inherited : given;
}
