import { UserError, type Argv } from '../model/index.ts';
import type { ExecOptions } from '../contract/index.ts';
import { withActive } from '../flows/activation.ts';
import type { Attached } from '../flows/attach.ts';

export interface ExecIn {
  readonly directory: string | undefined;
  readonly env: readonly string[];
  readonly user: string | undefined;
  readonly tty: boolean;
  /** Ids of distributions that are active instead of those of the spec's first run; empty: those. */
  readonly with: readonly string[];
  /** Where it writes, and then nothing is read; default: our own streams. */
  readonly streams?: { readonly stdout: number; readonly stderr: number };
}

/** Runs a program in an instance on our own streams, as the spec's first run was run unless it is said otherwise. */
export async function execIn({ instance, record }: Attached, argv: Argv, options: ExecIn): Promise<number> {
  const user = userOf(options.user) ?? userIn(record.entered);
  const given: ExecOptions = {
    cwd: options.directory ?? record.entered.directory,
    otherwise: '/',
    env: environmentIn(record.entered, options),
    user,
    stdin: options.streams === undefined ? 'inherit' : 'ignore',
    stdout: options.streams?.stdout ?? 'inherit',
    stderr: options.streams?.stderr ?? 'inherit',
    tty: options.tty,
  };
  if (instance.exec !== undefined) return await instance.exec(argv, given);
  await using session = await instance.session();
  return await session.exec(argv, given);
}

/** As whom a program runs in an instance where nothing else is said: the user of the spec's first run. */
export function userIn({ as }: Attached['record']['entered']): NonNullable<ExecOptions['user']> {
  return {
    uid: as?.uid ?? 0,
    gid: as?.gid ?? 0,
    ...(as?.groups === undefined ? {} : { groups: as.groups }),
    ...(as === undefined ? {} : { umask: Number.parseInt(as.umask, 8) }),
  };
}

/** The whole environment of a program in an instance. */
export function environmentIn(
  { environment, as, activations = {}, with: active = [] }: Attached['record']['entered'],
  options: Pick<ExecIn, 'env' | 'with'>,
): Record<string, string> {
  const given = options.env.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw new UserError(`--env ${pair}: expected NAME=VALUE`, { status: 2 });
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const term = process.env['TERM'];
  const base = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: as?.home ?? '/root',
    ...(term === undefined ? {} : { TERM: term }),
    ...environment,
  };
  const ids = options.with.length > 0 ? options.with : active;
  return { ...withActive(base, ids, activations), ...Object.fromEntries(given) };
}

function userOf(word: string | undefined): { uid: number; gid: number } | undefined {
  if (word === undefined) return undefined;
  const [, uid, gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(word) ?? [];
  if (uid === undefined) throw new UserError(`--user ${word}: expected numbers, UID or UID:GID`, { status: 2 });
  return { uid: Number(uid), gid: Number(gid) };
}
