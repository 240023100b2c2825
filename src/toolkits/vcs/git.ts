import { UserError, type Argv } from '../../model/index.ts';
import type { RunResult } from '../../contract/index.ts';
import { runProcess } from '../../sessions/process.ts';

/** Where git works. A git dir of ours: the configuration, hooks and attributes of a repository are never in force. */
export interface GitPlace {
  readonly gitDir: string;
  readonly workTree?: string;
}

export interface GitOptions {
  readonly input?: string | Uint8Array;
  /** Accepted exit statuses; default `[0]`. */
  readonly accept?: readonly number[] | 'any';
  readonly signal: AbortSignal;
  /** Bytes of output; default 64 MiB. */
  readonly limit?: number;
  readonly timeoutMs?: number;
  /** Whether the network may be used: proxies and the ssh agent are then passed on. */
  readonly network?: boolean;
}

/** Nothing of a repository, of the user or of the system chooses a program (git-config(1), git(1) "Environment"). */
const settings: readonly string[] = [
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.hooksPath=/dev/null',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.quotePath=false',
  'core.pager=cat',
  'credential.helper=',
  'gc.auto=0',
  'maintenance.auto=false',
  'pack.threads=1',
  'protocol.allow=never',
  'protocol.http.allow=always',
  'protocol.https.allow=always',
  'protocol.ssh.allow=always',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'advice.detachedHead=false',
];

/** Runs git, confined to what it is asked for. Throws UserError where it fails, with status 4 where there is no git. */
export async function runGit(args: readonly string[], place: GitPlace, options: GitOptions): Promise<RunResult> {
  const argv: Argv = [
    'git',
    '--no-pager',
    '--no-replace-objects',
    `--git-dir=${place.gitDir}`,
    ...(place.workTree === undefined ? [] : [`--work-tree=${place.workTree}`]),
    ...settings.flatMap((setting) => ['-c', setting]),
    ...args,
  ];
  const accept = options.accept ?? [0];
  const result = await runProcess(argv, {
    env: environment(options.network === true),
    cwd: place.workTree ?? place.gitDir,
    accept: 'any',
    signal: options.signal,
    limit: options.limit ?? 64 * 1024 * 1024,
    timeoutMs: options.timeoutMs ?? 600_000,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  if (result.status === 127) throw noGit();
  if (accept === 'any' || accept.includes(result.status)) return result;
  const said = result.stderr.toString('utf8').trim().split('\n').slice(-2).join('; ').slice(-300);
  throw new UserError(`git ${args[0]} ended with status ${result.status}${said === '' ? '' : `: ${said}`}`);
}

/** That this machine has no git, and what to type. */
function noGit(): UserError {
  return new UserError('git is not installed on this machine', {
    hint: 'type: apt-get install git (or what your system calls it)',
    status: 4,
  });
}

const passed = [
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
];

function environment(network: boolean): Record<string, string> {
  const outside = passed.flatMap((name) => {
    const value = network ? process.env[name] : undefined;
    return value === undefined ? [] : [[name, value]];
  });
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ClearAllForwardings=yes -o PermitLocalCommand=no',
    ...(Object.fromEntries(outside) as Record<string, string>),
  };
}
