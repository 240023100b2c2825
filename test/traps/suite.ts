import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import type { Argv } from '../../src/model/index.ts';
import type { TraceResult } from '../../src/contract/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { straceTracer } from '../../src/tracers/strace/index.ts';

/** A small program that tries to be missed, and says itself what it did. */
export interface Trap {
  readonly name: string;
  /** The file beside this one; what ends in .c is compiled. */
  readonly source: string;
  readonly flags?: readonly string[];
  readonly interpreter?: readonly string[];
  readonly args?: (box: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Only root can do it. */
  readonly root?: true;
  /** Not every machine can compile it. */
  readonly optional?: true;
  readonly status?: number;
  readonly stdin?: 'given/stdin';
}

/** What a trap says of itself: `[what, path]`. */
export type Truth = readonly (readonly [what: string, path: string])[];

export interface Judgement {
  /** What the program did and the trace lacks. */
  readonly missed: readonly string[];
  /** Paths of the trace that the program did not touch, or that are no files. */
  readonly wrong: readonly string[];
}

const here = import.meta.dirname;
const script = (name: string, interpreter: string, more: Partial<Trap> = {}): Trap => ({
  name: name.replace(/\.[a-z]+$/, ''),
  source: name,
  interpreter: [interpreter],
  ...more,
});
const program = (name: string, more: Partial<Trap> = {}): Trap => ({ name, source: `${name}.c`, ...more });

/** Every trap of the folder. `/usr/bin/python3` is Debian's; another Python must be traced as well, but is not everywhere. */
export const traps: readonly Trap[] = [
  program('chroots', { root: true }),
  program('client', { args: (box) => [join(box, 'daemon.sock')] }),
  program('daemon'),
  program('deleted'),
  program('dirfd'),
  program('executes'),
  program('folders'),
  program('handles', { root: true }),
  program('io-uring'),
  program('links'),
  program('locked-thread-exec', { flags: ['-pthread'] }),
  program('mounts', { root: true }),
  program('odd-names'),
  program('pids', { root: true }),
  program('pivots', { root: true }),
  program('renames'),
  program('static', { flags: ['-static'] }),
  program('thread-exec', { flags: ['-pthread'] }),
  program('threads', { flags: ['-pthread'] }),
  program('truncates'),
  program('word32', {
    flags: ['-m32', '-static', '-nostdlib', '-fno-pie', '-no-pie', '-fno-stack-protector', '-fno-builtin'],
    args: (box) => [box],
    optional: true,
  }),
  script('interpreters.sh', '/bin/sh'),
  script('redirect.sh', '/bin/sh', { stdin: 'given/stdin', status: 3 }),
  script('search.sh', '/bin/sh'),
  script('substitution.bash', '/bin/bash'),
  { name: 'parallel', source: 'parallel.mk', interpreter: ['/usr/bin/make', '-j4', '-f'] },
  script('modules.py', '/usr/bin/python3'),
  script('files.mjs', process.execPath),
  { ...script('files.mjs', process.execPath), name: 'files-io-uring', env: { UV_USE_IO_URING: '1' } },
  script('report.pl', '/usr/bin/perl', { status: 143 }),
];

/** The folder in which a trap runs, with the files that all of them find there. */
export function prepareBox(box: string): void {
  mkdirSync(join(box, 'given'), { recursive: true });
  const files: Record<string, string> = {
    data: 'some data\n',
    other: 'b\na\n',
    log: 'a line\n',
    stdin: 'a line of standard input\n',
    sourced: ': a comment\n',
    interpreter: '#!/bin/sh\n:\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(box, 'given', name), content);
  for (const name of ['tool', 'tool-2', 'tool-3', 'tool-4']) writeFileSync(join(box, 'given', name), '#!/bin/sh\n:\n');
  for (const name of ['tool', 'tool-2', 'tool-3', 'tool-4', 'interpreter']) chmodSync(join(box, 'given', name), 0o755);
}

/** Compiles what must be; the command of the trap, or undefined where it can't be compiled. `programs`: where to. */
export async function buildTrap(trap: Trap, programs: string, box: string): Promise<Argv | undefined> {
  const source = join(here, trap.source);
  const args = trap.args?.(box) ?? [];
  if (trap.interpreter !== undefined) return [...trap.interpreter, source, ...args] as unknown as Argv;
  const binary = join(programs, trap.name);
  if (!existsSync(binary)) {
    const accept = trap.optional === true ? 'any' : [0];
    await runProcess(['gcc', '-O1', '-w', '-o', binary, source, ...(trap.flags ?? [])], { cwd: programs, accept });
  }
  return existsSync(binary) ? [binary, ...args] : undefined;
}

/** Starts a daemon in the box that answers at a socket; what it opens is nobody's trace. */
async function startDaemon(box: string): Promise<AsyncDisposable> {
  const path = join(box, 'daemon.sock');
  const server = createServer((client) => client.end(readFileSync(join(box, 'given/other'))));
  await new Promise<void>((listening) => server.listen(path, listening));
  return {
    async [Symbol.asyncDispose]() {
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** The environment of every trap. */
export const trapEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' } as const;

/** Runs a trap in its box through the tracer of this project. `work`: a folder for the log and what the trap says. */
export async function traceTrap(
  trap: Trap,
  argv: Argv,
  box: string,
  work: string,
): Promise<{ readonly truth: Truth; readonly result: TraceResult }> {
  await using _daemon = trap.name === 'client' ? await startDaemon(box) : undefined;
  const said = join(work, 'truth');
  const stdout = openSync(said, 'a');
  const stdin = trap.stdin === undefined ? undefined : openSync(join(box, trap.stdin), 'r');
  try {
    const result = await straceTracer.trace(argv, {
      cwd: box,
      env: { ...trapEnvironment, ...trap.env },
      stdin: stdin ?? 'ignore',
      stdout,
      stderr: 'inherit',
      stat: false,
      work,
      onProgress: () => {},
      signal: new AbortController().signal,
    });
    return { truth: readTruth(said), result };
  } finally {
    closeSync(stdout);
    if (stdin !== undefined) closeSync(stdin);
  }
}

export function readTruth(file: string): Truth {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => Object.entries(JSON.parse(line) as Record<string, string>));
}

/** Compares what a trap says with what was traced. */
export function judgeTrap(truth: Truth, result: TraceResult, box: string, work: string): Judgement {
  const own = new Map(result.accesses.filter((access) => !access.foreign).map((access) => [access.path, access]));
  const foreign = new Set(result.accesses.filter((access) => access.foreign).map((access) => access.path));
  const via = new Set(result.accesses.flatMap((access) => access.via));
  const has: Record<string, (path: string) => boolean> = {
    read: (path) => own.get(path)?.read === true,
    written: (path) => own.get(path)?.written === true,
    executed: (path) => own.get(path)?.executed === true,
    removed: (path) => own.get(path)?.removed === true,
    directory: (path) => own.get(path)?.directory === true || result.directories.includes(path),
    via: (path) => via.has(path),
    foreign: (path) => foreign.has(path),
    socket: (path) => result.sockets.includes(path),
  };
  const missed = truth.filter(([what, path]) => has[what]?.(path) !== true).map((line) => line.join(' '));
  const told = new Set(truth.map(([, path]) => path));
  const wrong = [...own.values()]
    // Names of temporary files are known to the program's libraries only.
    .filter(({ path, removed, writtenFirst }) => !(removed && writtenFirst) && !path.startsWith(`${work}/`))
    .filter(({ path }) => (path.startsWith(`${box}/`) ? !told.has(path) : !isThere(path)))
    .map(({ path }) => path);
  const lost = [...result.directories, ...via].filter((path) => !path.startsWith(box) && !isThere(path));
  return { missed: [...new Set(missed)], wrong: [...wrong, ...lost] };
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
