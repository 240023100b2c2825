import { UserError, type Argv } from '../model/index.ts';
import type { ExecOptions } from '../contract/index.ts';
import type { Attached } from '../flows/attach.ts';

interface ExecIn {
  readonly directory: string | undefined;
  readonly env: readonly string[];
  readonly user: string | undefined;
  readonly tty: boolean;
}

/** Runs a program in an instance on our own streams, as the spec's first run was run unless it is said otherwise. */
export async function execIn({ instance, record }: Attached, argv: Argv, options: ExecIn): Promise<number> {
  const { as, environment } = record.entered;
  const user = userOf(options.user) ?? {
    uid: as?.uid ?? 0,
    gid: as?.gid ?? 0,
    ...(as?.groups === undefined ? {} : { groups: as.groups }),
    ...(as === undefined ? {} : { umask: Number.parseInt(as.umask, 8) }),
  };
  const given: ExecOptions = {
    cwd: options.directory ?? record.entered.directory,
    otherwise: '/',
    env: environmentOf(environment, as?.home, options),
    user,
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    tty: options.tty,
  };
  if (instance.exec !== undefined) return await instance.exec(argv, given);
  await using session = await instance.session();
  return await session.exec(argv, given);
}

function environmentOf(
  environment: Readonly<Record<string, string>>,
  home: string | undefined,
  options: ExecIn,
): Record<string, string> {
  const given = options.env.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw new UserError(`--env ${pair}: expected NAME=VALUE`, { status: 2 });
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const term = process.env['TERM'];
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home ?? '/root',
    ...(term === undefined ? {} : { TERM: term }),
    ...environment,
    ...Object.fromEntries(given),
  };
}

function userOf(word: string | undefined): { uid: number; gid: number } | undefined {
  if (word === undefined) return undefined;
  const [, uid, gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(word) ?? [];
  if (uid === undefined) throw new UserError(`--user ${word}: expected numbers, UID or UID:GID`, { status: 2 });
  return { uid: Number(uid), gid: Number(gid) };
}
