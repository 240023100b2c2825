import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';

import { lockFile } from '../../inventory/lock.ts';
import { places } from '../../inventory/places.ts';
import { UserError, type Argv } from '../../model/index.ts';
import { execProcess, runProcess } from '../process.ts';
import { isHeld, isOfUser, ownMaster } from './own-master.ts';
import { sshEnvironment } from './environment.ts';

/** One connection to a host, which stays for a minute after its last use: every command of ours goes over it. */
export interface Connection {
  readonly host: string;
  /** Its control socket (ssh_config(5), ControlPath). */
  readonly socket: string;
  /** The local command that runs a line of a remote shell over it. */
  argv(line: string, options?: { readonly tty?: boolean }): Argv;
  /** Makes it where it is not there, or not any more. */
  ensure(): Promise<void>;
  /** Whether it answers. */
  isAlive(): Promise<boolean>;
  /** Lets nobody begin anything over it any more: it ends with what is going on. */
  close(): Promise<void>;
}

/** How long a connection outlives its last use, whatever became of us: seconds. */
const persist = 60;

/** Names that ssh takes for a host: `HOST`, `USER@HOST`, `ssh://[USER@]HOST[:PORT]`. Never an option. */
export function isHost(word: string): boolean {
  return word.length <= 255 && /^(?:ssh:\/\/)?[A-Za-z0-9_[][\w.@:[\]%+-]*$/.test(word);
}

/**
 * The connection to a host; nothing is made before it is needed. `config` is another file than ssh's own, `identity` a
 * key that is tried first.
 */
export function connectionTo(host: string, config?: string, identity?: string): Connection {
  if (!isHost(host)) throw new UserError(`${JSON.stringify(host)} is not a host`, { status: 2 });
  const folder = socketFolder();
  const socket = join(
    folder,
    `ssh-${createHash('sha256')
      .update([host, config ?? '', ...(identity === undefined ? [] : [identity])].join('\0'))
      .digest('hex')
      .slice(0, 12)}`,
  );
  // The connection is there already: nothing of what the user has set for it is to be done again.
  const over = ['-q', '-F', '/dev/null', '-S', socket, '-o', 'ControlMaster=no', '-o', 'ProxyCommand=/bin/false'];
  const control = async (word: string) =>
    (
      await runProcess(['ssh', ...over, '-O', word, '--', host], {
        env: sshEnvironment(),
        accept: 'any',
        timeoutMs: 10_000,
      })
    ).status === 0;
  const isAlive = async () => (isHeld(socket) ?? true) && (await control('check'));
  /** Answered without asking, where that can be: a program that is started costs more than what is asked over it. */
  const isThere = async () => isHeld(socket) ?? (await control('check'));
  let known: number | undefined;
  return {
    host,
    socket,
    argv: (line, options = {}) => ['ssh', ...over, options.tty === true ? '-tt' : '-T', '--', host, line],
    async ensure() {
      if (known !== undefined && existsSync(socket) && performance.now() - known < (persist * 1000) / 4) return;
      if (!(await isThere())) {
        using lock = await lockFile(`${socket}.lock`, { waitMs: 60_000 });
        if (lock === undefined) throw new UserError(`somebody else is connecting to ${host} all the time`);
        if (!(await isThere())) await connect(host, socket, config, identity);
      }
      known = performance.now();
    },
    isAlive,
    async close() {
      known = undefined;
      if (isOfUser(socket)) rmSync(socket, { force: true });
      else if (existsSync(socket)) await control('stop');
    },
  };
}

/** Connects with all that ssh is set to do for this host, but for what commands of ours could be misled by. */
async function connect(
  host: string,
  socket: string,
  config: string | undefined,
  identity: string | undefined,
): Promise<void> {
  rmSync(socket, { force: true });
  const own = await ownMaster(host, config);
  if (own !== undefined) {
    symlinkSync(own, socket);
    return;
  }
  const asks = isatty(0) && isatty(2);
  const options = [
    `ControlPath=${socket}`,
    'ControlMaster=yes',
    `ControlPersist=${persist}`,
    `BatchMode=${asks ? 'no' : 'yes'}`,
    'ConnectTimeout=20',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'ForwardX11=no',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    'RequestTTY=no',
    'EscapeChar=none',
  ];
  const argv: Argv = [
    'ssh',
    ...(config === undefined ? [] : ['-F', config]),
    ...(identity === undefined ? [] : ['-i', identity]),
    '-fN',
    ...options.flatMap((option) => ['-o', option]),
    '--',
    host,
  ];
  const log = `${socket}.log`;
  const descriptor = openSync(log, 'w', 0o600);
  try {
    const status = await execProcess(argv, {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: descriptor,
      env: sshEnvironment(),
    });
    if (status === 0) return;
    if (status === 127) throw new UserError('there is no ssh here', { hint: 'install openssh-client', status: 4 });
    throw cannotConnect(host, readFileSync(log, 'utf8'));
  } finally {
    closeSync(descriptor);
    rmSync(log, { force: true });
  }
}

function cannotConnect(host: string, said: string): UserError {
  const lines = said
    .split('\n')
    .map((line) => line.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300))
    .filter((line) => line !== '' && !/^@+$/.test(line));
  const last = lines.at(-1) ?? 'ssh says nothing';
  const details = [...new Set(lines)].slice(-20);
  return new UserError(`cannot connect to ${host}: ${last}`, {
    status: 4,
    hint: hintFor(said, host),
    ...(details.length > 1 ? { details } : {}),
  });
}

function hintFor(said: string, host: string): string {
  if (/Host key verification failed|REMOTE HOST IDENTIFICATION/.test(said))
    return `its key is not the one that is known, or not known at all: see that \`ssh ${host}\` works by hand first`;
  if (/Permission denied/.test(said)) return `see that \`ssh ${host}\` works without asking: a key, or ssh-agent`;
  if (/Could not resolve hostname/.test(said)) return 'is the name right? ~/.ssh/config may give it a HostName';
  return `see that \`ssh ${host}\` works`;
}

/** A folder of ours alone whose name is short: the kernel takes 107 bytes for a socket, and ssh adds some. */
function socketFolder(): string {
  const { runtime } = places(process.env);
  const folder = Buffer.byteLength(runtime) <= 60 ? runtime : join(tmpdir(), `repronim-${process.geteuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (uid !== process.geteuid?.()) throw new UserError(`${folder} belongs to somebody else`, { status: 4 });
  if ((mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return folder;
}
