import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Argv } from '../../model/index.ts';
import { straceArgv, type Mode } from './argv.ts';
import { findProgram } from './command.ts';

/** The best mode that works here, or why none does. */
export type Probed =
  | { readonly usable: true; readonly mode: Mode; readonly detail: string }
  | { readonly usable: false; readonly because: string; readonly hint: string };

const quiet = ['-e', 'quiet=attach,path-resolution,personality'];
const pidNames = ['--decode-pids=pidns'];

let found: Promise<Probed> | undefined;

/** Tries on a program that does nothing; once per process. */
export function probeStrace(signal: AbortSignal): Promise<Probed> {
  found ??= tryModes(signal).catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function tryModes(signal: AbortSignal): Promise<Probed> {
  const strace = findProgram('strace', process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', '/');
  if (typeof strace === 'number')
    return { usable: false, because: 'strace is not installed', hint: 'install it: apt-get install strace' };
  const folder = mkdtempSync(join(tmpdir(), 'repronim-probe-'));
  try {
    return await tryIn(folder, strace, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From what the newest strace can do to what the oldest can; the first that works is taken. */
async function tryIn(folder: string, strace: string, signal: AbortSignal): Promise<Probed> {
  const candidates: readonly Omit<Mode, 'version'>[] = [
    { strace, seccomp: true, quiet: [...quiet, ...pidNames] },
    { strace, seccomp: true, quiet },
    { strace, seccomp: true, quiet: ['-q'] },
    { strace, seccomp: false, quiet },
    { strace, seccomp: false, quiet: ['-q'] },
  ];
  let said = '';
  let unavailable = false;
  for (const candidate of candidates) {
    if (unavailable && candidate.seccomp) continue;
    const log = join(folder, 'log');
    const argv = straceArgv({ ...candidate, version: '' }, trivial(), { log, stat: false, allowIoUring: false });
    const tried = await start(argv, signal);
    said = tried.stderr;
    if (tried.stderr.includes('seccomp filter is requested but unavailable')) {
      unavailable = true;
      continue;
    }
    if (tried.status !== 0 || !watchedOne(log)) continue;
    const version = (await start([strace, '-V'], signal)).stdout.match(/version ([^\s]+)/)?.[1] ?? 'of unknown version';
    const how = candidate.seccomp ? 'with seccomp-bpf' : 'without seccomp-bpf (several times slower)';
    return { usable: true, mode: { ...candidate, version }, detail: `strace ${version} ${how}` };
  }
  return refusal(said);
}

function refusal(said: string): Probed {
  const line = said.trim().split('\n')[0] ?? '';
  if (/ptrace|Operation not permitted|PTRACE/i.test(said))
    return {
      usable: false,
      because: `this machine does not let programs be traced (${line})`,
      hint: 'in a container: --cap-add SYS_PTRACE; elsewhere: sysctl kernel.yama.ptrace_scope=1; or name the files: trace --path',
    };
  return {
    usable: false,
    because: `strace does not work here (${line === '' ? 'it wrote nothing' : line})`,
    hint: 'install a newer one, or name the files: trace --path',
  };
}

function watchedOne(log: string): boolean {
  try {
    const text = readFileSync(log, 'latin1');
    return /^[0-9]+ +execve\(.* = 0$/m.test(text) && text.includes('+++ exited with 0 +++');
  } catch {
    return false;
  }
}

function trivial(): Argv {
  const file = findProgram('true', '/bin:/usr/bin', '/');
  return typeof file === 'number' ? [process.execPath, '--version'] : [file];
}

async function start(
  argv: Argv,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  signal.throwIfAborted();
  const child = spawn(argv[0], argv.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    timeout: 10_000,
    killSignal: 'SIGKILL',
    signal,
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('latin1').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('latin1').on('data', (text: string) => (said.stderr += text));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (status) => resolve(status ?? 1));
  return { status: await promise, ...said };
}
