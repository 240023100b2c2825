import type { ChildProcess } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';

import type { Note } from '../../model/index.ts';
import { followLog, type Follower } from './follow.ts';
import type { Watch } from './watch.ts';

const tickMs = 20;
/** How long processes that the command left behind are waited for. */
const lingerMs = 5000;
/** From SIGTERM to SIGKILL. */
const graceMs = 2000;

/** Reads the log while the command runs, until strace has ended or what is left of the command is left alone. */
export async function attend(
  child: ChildProcess,
  log: string,
  watch: Watch,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly notes: readonly Note[] }> {
  const notes: Note[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let follower: Follower | undefined;
  let endedAt: number | undefined;

  const advance = () => {
    follower ??= followLog(log, watch.reader);
    follower?.advance();
  };
  const timer = setInterval(() => {
    advance();
    if (watch.main.status === undefined) return;
    endedAt ??= Date.now();
    if (Date.now() - endedAt < lingerMs || signal.aborted) return;
    if (watch.alive.size === 0) child.kill('SIGKILL');
    else notes.push(leaveBehind(child, log, watch));
    resolve(watch.main.status);
  }, tickMs);
  child.once('error', reject);
  child.once('exit', (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  const release = handleSignals(child, watch, signal, notes);
  try {
    const status = await promise;
    advance();
    watch.settle();
    if (follower?.cut === true) notes.push({ kind: 'incomplete', text: 'the log of strace ends within a line' });
    return { status, notes };
  } finally {
    clearInterval(timer);
    follower?.close();
    release();
  }
}

/**
 * Ctrl-C is the command's: the terminal sends it to the whole group, strace ignores it, and so do we. Without a
 * terminal it is passed on. An abort that is not a Ctrl-C ends the command; our own exit leaves nothing running.
 */
function handleSignals(child: ChildProcess, watch: Watch, signal: AbortSignal, notes: Note[]): () => void {
  const names = ['SIGINT', 'SIGQUIT'] as const;
  const terminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  let typedAt = Number.NEGATIVE_INFINITY;
  const pass = (name: NodeJS.Signals) => {
    typedAt = Date.now();
    if (!terminal) send(watch.main.pid, name);
  };
  const abort = () => {
    // Whoever aborts on SIGINT may have been told of it before us.
    setTimeout(() => {
      if (Date.now() - typedAt < 1000) return;
      const text = 'the command was interrupted: what it had not done yet is not in the trace';
      notes.push({ kind: 'incomplete', text });
      send(watch.main.pid, 'SIGTERM');
      setTimeout(() => killAll(child, watch), graceMs).unref();
    }, 20);
  };
  const exit = () => killAll(child, watch);
  for (const name of names) process.on(name, pass);
  process.once('exit', exit);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return () => {
    signal.removeEventListener('abort', abort);
    process.removeListener('exit', exit);
    for (const name of names) process.removeListener(name, pass);
  };
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

/** The programs first: without strace, the calls that it watches would fail in them. */
function killAll(child: ChildProcess, watch: Watch): void {
  for (const pid of watch.alive) send(pid, 'SIGKILL');
  setTimeout(() => child.kill('SIGKILL'), 500).unref();
}

function send(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
