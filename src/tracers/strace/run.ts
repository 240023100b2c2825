import { spawn, type ChildProcess } from 'node:child_process';
import { realpathSync, truncateSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { UserError, type Argv, type Note } from '../../model/index.ts';
import type { TraceOptions, TraceResult } from '../../contract/index.ts';
import { straceArgv, type Mode } from './argv.ts';
import { executable } from './command.ts';
import { namedDescriptors, recordInherited } from './descriptors.ts';
import { followLog, type Follower } from './follow.ts';
import { probeStrace } from './probe.ts';
import { reportScene } from './report.ts';
import { createScene, type Scene } from './scene.ts';
import { watchLog, type Watch } from './watch.ts';

const tickMs = 40;
/** How long processes that the command left behind are waited for. */
const lingerMs = 5000;
/** From SIGTERM to SIGKILL. */
const graceMs = 2000;

/** Runs a command under strace, on our descriptors, and tells what it did. */
export async function traceCommand(command: Argv, options: TraceOptions): Promise<TraceResult> {
  const probed = await probeStrace(options.signal);
  if (!probed.usable) throw new UserError(`cannot trace: ${probed.because}`, { hint: probed.hint, status: 125 });
  const cwd = realpathSync(options.cwd);
  const argv = executable(command, options.env['PATH'] ?? '/usr/bin:/bin', cwd);
  // The kernel's clock for files is a few milliseconds behind.
  const scene = createScene(Date.now() - 20);
  scene.directories.add(cwd);
  if (typeof argv === 'number') return reportScene(scene, argv);
  const log = join(options.work, 'strace.log');
  const child = start(probed.mode, argv, log, options, scene);
  const watch = watchLog(scene, { cwd, unprivileged: process.geteuid?.() !== 0 });
  const ended = await follow(child, log, watch, options);
  if (watch.main.pid === 0)
    throw new UserError(`cannot trace ${command[0]}: strace ended with status ${ended.status} before it`, {
      status: 125,
    });
  const report = reportScene(scene, watch.main.status ?? ended.status);
  return { ...report, notes: [...report.notes, ...ended.notes] };
}

function start(mode: Mode, argv: Argv, log: string, options: TraceOptions, scene: Scene): ChildProcess {
  // A library that is preloaded into the command must not be loaded into strace.
  const loader = Object.entries(options.env).filter(([name]) => name.startsWith('LD_') || name === 'GLIBC_TUNABLES');
  const own = Object.fromEntries(
    Object.entries(options.env).filter((entry) => !loader.some(([name]) => name === entry[0])),
  );
  const line = straceArgv(mode, argv, {
    log,
    stat: options.stat,
    allowIoUring: options.allowIoUring ?? false,
    env: loader,
  });
  const first = [options.stdin, options.stdout, options.stderr];
  const named = namedDescriptors(argv);
  recordInherited(scene, [
    ...first.flatMap((given, theirs) =>
      given === 'ignore' ? [] : [{ ours: given === 'inherit' ? theirs : given, theirs }],
    ),
    ...named.map((number) => ({ ours: number, theirs: number })),
  ]);
  const stdio: (number | 'inherit' | 'ignore')[] = [...first];
  for (const number of named) {
    while (stdio.length < number) stdio.push('ignore');
    stdio[number] = number;
  }
  return spawn(line[0], line.slice(1), { cwd: options.cwd, env: own, stdio });
}

/** Reads the log while the command runs, until strace has ended or what is left of the command is left alone. */
async function follow(
  child: ChildProcess,
  log: string,
  watch: Watch,
  options: TraceOptions,
): Promise<{ readonly status: number; readonly notes: readonly Note[] }> {
  const notes: Note[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let follower: Follower | undefined;
  let leftSince: number | undefined;

  const advance = () => {
    follower ??= followLog(log, watch.reader);
    follower?.advance();
  };
  const tick = () => {
    advance();
    if (watch.main.status === undefined) return;
    leftSince ??= Date.now();
    if (Date.now() - leftSince < lingerMs || options.signal.aborted) return;
    notes.push(leaveBehind(child, log, watch));
    resolve(watch.main.status);
  };
  const abort = () => {
    notes.push({
      kind: 'incomplete',
      text: 'the command was interrupted: what it had not done yet is not in the trace',
    });
    stop(child, watch);
  };
  // Ctrl-C is the command's: it gets it from the terminal itself, and we outlive it.
  const ignore = () => {};
  for (const name of ['SIGINT', 'SIGQUIT'] as const) process.on(name, ignore);
  const timer = setInterval(tick, tickMs);
  child.once('error', reject);
  child.once('exit', (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  try {
    const status = await promise;
    advance();
    watch.settle();
    if (follower?.cut === true) notes.push({ kind: 'incomplete', text: 'the log of strace ends within a line' });
    return { status, notes };
  } finally {
    clearInterval(timer);
    follower?.close();
    options.signal.removeEventListener('abort', abort);
    for (const name of ['SIGINT', 'SIGQUIT'] as const) process.removeListener(name, ignore);
  }
}

/** The command has ended and something of it goes on (a daemon): it stays with its strace, which it can't do without. */
function leaveBehind(child: ChildProcess, log: string, watch: Watch): Note {
  child.unref();
  truncateSync(log);
  const numbers = [...watch.alive].sort((a, b) => a - b).join(', ');
  return {
    kind: 'incomplete',
    text: `the command has ended, but processes of it run on (${numbers}): what they do from now on is not in the trace`,
  };
}

function stop(child: ChildProcess, watch: Watch): void {
  send(watch.main.pid, 'SIGTERM');
  setTimeout(() => {
    for (const pid of watch.alive) send(pid, 'SIGKILL');
    setTimeout(() => child.kill('SIGKILL'), 500).unref();
  }, graceMs).unref();
}

function send(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
