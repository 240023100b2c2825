import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import type { ExecOptions, Root, RunOptions, RunResult, Session } from '../contract/index.ts';
import { UserError, type Argv } from '../model/index.ts';
import { enterEnvironment } from './enter.ts';
import { insideSession, ordinaryEnvironment } from './inside.ts';
import { localSession } from './local.ts';
import { CommandFailed } from './process.ts';

/** What has to be in a root, so that programs can be run in it by schroot as they were asked for. */
export const schrootPrograms = ['/bin/sh', '/usr/bin/env', '/usr/bin/setpriv'] as const;

/**
 * Being in a session that schroot has begun: programs are run by `schroot --run-session`, which adds variables of its
 * own, knows no user but the machine's and tells no signals; so three programs of the root itself see to that. Files
 * are written and packed below a bare chroot to where it is mounted. See schroot(1).
 */
export function schrootSession(where: {
  readonly session: string;
  /** Where schroot has mounted it. */
  readonly location: string;
  readonly root: Root;
  readonly label: string;
  dispose(): Promise<void>;
}): Session {
  const { root, label, location } = where;
  const fields = [['root', location]] as const;
  const files = insideSession({ ...where, mode: 'plain', fields, restricted: false });
  const host = localSession(label);

  return {
    ...files,
    async run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
      const { env, cwd, accept = [0], ...rest } = options;
      const directory = await directoryOf(root, { cwd: cwd ?? '/' });
      const wrapped = wrap(where.session, argv, { env, directory, user: { uid: 0, gid: 0 } }, randomUUID());
      const result = await host.run(wrapped, { ...rest, env: enterEnvironment, accept: 'any' });
      if (accept !== 'any' && !accept.includes(result.status)) throw new CommandFailed(argv, result);
      return result;
    },
    async exec(argv: Argv, options: ExecOptions): Promise<number> {
      const { env, user, stdin, stdout, stderr, signal } = options;
      signal?.throwIfAborted();
      const directory = await directoryOf(root, options);
      const token = randomUUID();
      const wrapped = wrap(where.session, argv, { env, directory, user: user ?? { uid: 0, gid: 0 } }, token);
      // schroot would end at once and leave the program to itself
      const stop = () => endProgram(token);
      signal?.addEventListener('abort', stop, { once: true });
      try {
        return await host.exec(wrapped, { stdin, stdout, stderr, env: enterEnvironment, cwd: '/' });
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
  };
}

/** Ends by its program's status, 128 + N where signal N ended it, and says nothing about that. */
const script = 'umask "$1"; shift; exec 3>&2 2>&-; "$@" 2>&3 3>&-; exit $?';

interface Wanted {
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly directory: string;
  readonly user: NonNullable<ExecOptions['user']>;
}

function wrap(session: string, argv: Argv, { env, directory, user }: Wanted, token: string): Argv {
  const [sh, environment, setpriv] = schrootPrograms;
  const { uid, gid, groups = [], umask = 0o022 } = user;
  return [
    'schroot',
    '--quiet',
    '--run-session',
    `--chroot=session:${session}`,
    '--user=root',
    `--directory=${directory}`,
    '--',
    sh,
    '-c',
    script,
    token,
    umask.toString(8).padStart(4, '0'),
    environment,
    '-i',
    '--',
    ...Object.entries(env ?? ordinaryEnvironment).map(([name, value]) => `${name}=${value}`),
    setpriv,
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    '--',
    ...argv,
  ];
}

async function directoryOf(
  root: Root,
  { cwd = '/', otherwise }: Pick<ExecOptions, 'cwd' | 'otherwise'>,
): Promise<string> {
  for (const path of otherwise === undefined ? [cwd] : [cwd, otherwise]) {
    const [real] = await root.realpath([path]);
    const [stat] = real === undefined ? [] : await root.lstat([real]);
    if (stat?.type === 'directory') return path;
  }
  throw new UserError(`in ${root.label}, the working directory can't be entered: ${cwd}`);
}

/** Asks the program itself to end, which is the child of the shell that bears the token. */
function endProgram(token: string): void {
  const processes = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const shells = new Set(processes.filter((pid) => readIn(pid, 'cmdline').split('\0')[3] === token));
  for (const pid of processes) {
    const stat = readIn(pid, 'stat');
    const parent = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[1] ?? '';
    if (!shells.has(parent)) continue;
    try {
      process.kill(Number(pid), 'SIGTERM');
    } catch {
      // it has ended, which is what was wanted
    }
  }
}

function readIn(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
