import { setTimeout as sleep } from 'node:timers/promises';

import { UserError, type Argv } from '../../model/index.ts';
import type { ExecOptions } from '../../contract/index.ts';
import { openParameters, type Parameters } from '../../sessions/enter.ts';
import { startPiped } from '../../sessions/piped.ts';
import { execProcess, runProcess } from '../../sessions/process.ts';
import { commandOf, killCommand, path, type Executing, type Execution, type Streamed } from './command.ts';
import type { Direct } from './kind.ts';

/** As `execute`, by the engine's own program. */
export function executeDirect(direct: Direct, container: string, what: Streamed): Executing {
  const told = openParameters([]);
  let said = '';
  const running = startPiped(execWords(direct, container, what, what.stdin), {
    env: direct.env,
    descriptor: told.descriptor,
    stdin: what.stdin,
    onStdout: what.onStdout,
    async onStderr(piece) {
      said = (said + piece.toString('utf8')).slice(-2000);
      await what.onStderr(piece);
    },
  });
  const killing: Promise<void>[] = [];
  return {
    input: running.input,
    status: (async () => {
      try {
        const status = await running.status;
        await Promise.all(killing);
        return checked(status, told, direct, said);
      } finally {
        told[Symbol.dispose]();
      }
    })(),
    async signal(name) {
      const sent = send(direct, container, told, name);
      killing.push(sent);
      await sent;
    },
    async resize() {}, // it has no terminal of ours
  };
}

/** The same on descriptors of ours: the program has them itself, and the terminal is the engine's to follow. */
export async function execDirect(
  direct: Direct,
  container: string,
  what: Execution,
  { stdin, stdout, stderr, signal }: Pick<ExecOptions, 'stdin' | 'stdout' | 'stderr' | 'signal'>,
): Promise<number> {
  using told = openParameters([]);
  // the terminal's signals reach the engine's program, which leaves the container's running
  const ending: Promise<void>[] = [];
  const stop = () => void ending.push(send(direct, container, told, 'TERM'));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const words = execWords(direct, container, what, stdin !== 'ignore');
    const streams = { stdin, stdout, stderr, descriptors: [told.descriptor] };
    const status = await execProcess(words, { ...streams, env: direct.env, cwd: '/' });
    await Promise.all(ending);
    return signal?.aborted === true ? status : checked(status, told, direct, '');
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function execWords({ program }: Direct, container: string, what: Execution, reads: boolean): Argv {
  const { argv, user, cwd } = commandOf(what, 'file');
  return [
    program,
    'exec',
    ...(reads ? ['--interactive'] : []),
    ...(what.tty === true ? ['--tty', '--detach-keys='] : []),
    '--preserve-fds=1',
    `--user=${user}`,
    `--workdir=${cwd}`,
    `--env=PATH=${path}`,
    container,
    ...argv,
  ];
}

/** What the shell in front of the program has told: its number, and what it could not do. */
function checked(status: number, told: Parameters, { program }: Direct, said: string): number {
  const [number, failed] = told.answer();
  if (number !== undefined && failed === undefined) return status;
  const details = said.split('\n').filter((line) => line.trim() !== '');
  if (failed !== undefined) throw new UserError('the working directory can’t be entered', { details });
  throw new UserError(`${program} exec can’t run anything in the container (status ${status})`, { details });
}

/** How long a program may take to end by itself. */
const patience = 2000;

/** TERM is followed by KILL where that takes too long: whoever sends it may be about to end. */
async function send(direct: Direct, container: string, told: Parameters, name: string): Promise<void> {
  let pid = told.answer()[0];
  for (let tries = 0; pid === undefined && tries < 50; tries += 1) {
    await sleep(100, undefined, { ref: false });
    pid = told.answer()[0];
  }
  if (pid === undefined) return;
  const inside = async (argv: Argv) =>
    await runProcess([direct.program, 'exec', '--user=0:0', `--env=PATH=${path}`, container, ...argv], {
      env: direct.env,
      cwd: '/',
      accept: 'any',
    });
  await inside(killCommand(name, pid));
  if (name !== 'TERM') return;
  const waits = `n=0; while kill -0 "$1" 2>/dev/null && test "$n" -lt ${patience / 100}; do sleep 0.1; n=$((n + 1)); done`;
  await inside(['/bin/sh', '-c', `${waits}; kill -s KILL -- "-$1" 2>/dev/null || kill -s KILL "$1"`, 'sh', pid]);
}
