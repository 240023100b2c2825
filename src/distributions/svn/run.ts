import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { CreateContext, RunResult } from '../../contract/index.ts';
import { runProcess } from '../../sessions/process.ts';

/**
 * Runs svn with a configuration of ours in `folder`: no password store, no tunnel of somebody's choosing, no question.
 * Throws UserError where it fails, with status 4 where there is no svn.
 */
export async function runSvn(
  args: readonly string[],
  url: string,
  folder: string,
  { signal, trusted }: Pick<CreateContext, 'signal' | 'trusted'>,
): Promise<RunResult> {
  if (!isAskable(url, trusted))
    throw new UserError(`svn: ${url} is no address that may be asked`, {
      status: 2,
      hint: 'https://, svn:// and svn+ssh:// are',
    });
  const config = join(folder, 'config');
  await mkdir(config, { recursive: true });
  const [command = '', ...rest] = args;
  const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'SSH_AUTH_SOCK'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const own = [`--config-dir=${config}`, '--non-interactive', '--no-auth-cache'];
  const result = await runProcess(['svn', command, ...own, ...rest], {
    cwd: folder,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
      HOME: '/nonexistent',
      SVN_SSH: 'ssh -o BatchMode=yes -o ClearAllForwardings=yes -o PermitLocalCommand=no',
      ...(Object.fromEntries(proxies) as Record<string, string>),
    },
    accept: 'any',
    signal,
    timeoutMs: 1_800_000,
  });
  if (result.status === 127)
    throw new UserError('svn is not installed on this machine', {
      hint: 'type: apt-get install subversion',
      status: 4,
    });
  if (result.status === 0) return result;
  const said = result.stderr.toString('utf8').trim().split('\n').slice(-2).join('; ').slice(-300);
  throw new UserError(`svn ${command} ended with status ${result.status}${said === '' ? '' : `: ${said}`}`);
}

/** Another machine by a name that is no option; a path of this one only for what one trusts. */
function isAskable(address: string, trusted: boolean): boolean {
  if (/[\0-\u{20}\u{7f}]/u.test(address)) return false;
  if (address.startsWith('file:///')) return trusted;
  return /^(?:https?|svn|svn\+ssh):\/\/(?:[\w.][\w.-]*@)?[\w[][\w.:\]-]*(?:\/|$)/.test(address);
}
