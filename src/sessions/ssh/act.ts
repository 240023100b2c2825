import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ExecOptions, RunOptions, RunResult } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import type { Fields } from '../enter.ts';
import { checkAnswer } from '../inside.ts';
import { runProcess } from '../process.ts';
import { sshEnvironment } from './environment.ts';
import { controlOf } from './control.ts';
import { fieldBytes } from './frames.ts';
import type { Host } from './host.ts';

/** Where something is done: fields for remote.pl (`@state`, …) and for enter.pl. */
export interface Acting {
  readonly host: Host;
  /** As people call it. */
  readonly label: string;
  readonly fields: Fields;
}

/** A host takes ten channels of one connection at a time (sshd_config(5), MaxSessions): more wait here, or there. */
let free = 7;
const queue: (() => void)[] = [];

async function withChannel<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => queue.push(resolve));
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  }
}

/** Runs something to its end, and returns what it wrote. */
export async function runThere(acting: Acting, fields: Fields, options: RunOptions): Promise<RunResult> {
  return await attempt(acting, fields, async (argv) => {
    const result = await runProcess(argv, { ...options, env: sshEnvironment(), accept: 'any', cwd: '/' });
    return { status: result.status, result };
  }).then(({ result }) => result);
}

/** Runs something on descriptors of ours. An abort ends it there first, and kills it two seconds later. */
export async function execThere(acting: Acting, fields: Fields, options: ExecOptions): Promise<number> {
  const { stdin, stdout, stderr, signal, tty = false } = options;
  const { status } = await attempt(
    acting,
    fields,
    async ([program, ...rest], id) => {
      signal?.throwIfAborted();
      const child = spawn(program, rest, { stdio: [stdin, stdout, stderr], env: sshEnvironment(), cwd: '/' });
      const stop = () => void endThere(acting.host, id, child);
      signal?.addEventListener('abort', stop, { once: true });
      try {
        return { status: await statusOf(child) };
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
    { tty },
  );
  return status;
}

/** A process there with pipes of ours: what is streamed in or out. */
export async function streamThere<T>(
  acting: Acting,
  fields: Fields,
  use: (child: ChildProcess, ended: () => Promise<{ status: number; said: string }>) => Promise<T>,
): Promise<T> {
  return await withChannel(async () => {
    const { argv } = await prepare(acting, fields, false);
    const child = spawn(argv[0], argv.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: sshEnvironment(),
      detached: true,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    child.stdin.on('error', () => {}); // it may end without reading all of it
    const closed = statusOf(child);
    closed.catch(() => {});
    try {
      return await use(child, async () => ({ status: await closed, said }));
    } finally {
      child.kill('SIGKILL'); // where nobody reads on
    }
  });
}

/** The error for a stream that ended badly. */
export async function explain(acting: Acting, what: string, status: number, said: string): Promise<UserError> {
  if (status === 255 && !(await acting.host.connection.isAlive())) return lost(acting);
  const because = said.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return new UserError(`cannot ${what} in ${acting.label}: ${because === '' ? `status ${status}` : because}`);
}

function lost({ host }: Acting): UserError {
  return new UserError(`the connection to ${host.connection.host} was lost`, {
    hint: 'what was going on there is ended; try again',
  });
}

async function prepare(
  { host, fields: where }: Acting,
  fields: Fields,
  tty: boolean,
): Promise<{ readonly argv: readonly [string, ...string[]]; readonly id: string }> {
  await host.connection.ensure();
  const id = randomBytes(8).toString('hex');
  const all = ['@id', id, ...where.flat(), ...fields.flat()];
  try {
    return { argv: host.connection.argv(host.line('exec', all), { tty }), id };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // too much for a command line: in a file
    const content = fieldBytes(['@machine', host.machine, ...all]).toString('hex');
    await controlOf(host).ask('keep', { id: `${id}0`, hex: content });
    return { argv: host.connection.argv(host.line('exec', ['@from', `${id}0`]), { tty }), id };
  }
}

/** Does it over the connection; again where the host had no channel free, and it has not begun. */
async function attempt<T extends { readonly status: number }>(
  acting: Acting,
  fields: Fields,
  work: (argv: readonly [string, ...string[]], id: string) => Promise<T>,
  { tty = false } = {},
): Promise<T> {
  return await withChannel(async () => {
    for (let tries = 0; ; tries += 1) {
      const { argv, id } = await prepare(acting, fields, tty);
      const done = await work(argv, id);
      if (done.status !== 255 && done.status !== 125) return done;
      if (done.status === 255 && !(await acting.host.connection.isAlive())) throw lost(acting);
      const [ended, ...answer] = await controlOf(acting.host).ask('said', { id });
      checkAnswer(answer, acting.label);
      if (done.status === 125 || ended?.startsWith('ended') === true) return done;
      if (tries >= 200) throw new UserError(`${acting.host.connection.host} has no channel free for us`);
      await sleep(50);
    }
  });
}

async function endThere(host: Host, id: string, child: ChildProcess): Promise<void> {
  const signal = async (name: string) => {
    await controlOf(host)
      .ask('signal', { id, signal: name })
      .catch(() => child.kill()); // the connection is gone: what hangs on it ends with it
  };
  await signal('TERM');
  const timer = setTimeout(() => child.kill(), 2000); // its other end kills it then
  timer.unref();
  child.once('close', () => clearTimeout(timer));
}

async function statusOf(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
