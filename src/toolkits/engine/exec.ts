import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Argv } from '../../model/index.ts';
import { nameBytes } from '../../roots/names.ts';
import { EngineError, type Engine } from './client.ts';

export interface Execution {
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user?:
    | { readonly uid: number; readonly gid: number; readonly groups?: readonly number[]; readonly umask?: number }
    | undefined;
  /** As whom it runs where `user` does not say it, as the engine takes it; default: root. */
  readonly otherwise?: string | undefined;
  readonly tty?: boolean;
  /** Of its terminal, from its first moment on: daemons set it (`resize`) when the program may have looked already. */
  readonly size?: readonly [columns: number, rows: number] | undefined;
  /** Whether the program's standard input is ours to write; else it is /dev/null. */
  readonly stdin: boolean;
  onStdout(piece: Buffer): void | Promise<void>;
  onStderr(piece: Buffer): void | Promise<void>;
}

export interface Executing {
  /** To the program's standard input; ending it is its end. */
  readonly input: Duplex;
  /** Of the program, once all that it wrote was handed on: 128 + N for signal N, 126, 127 as a shell has them. */
  readonly status: Promise<number>;
  /** Sends a signal to the program and what it started; nothing where it has ended. */
  signal(name: 'TERM' | 'KILL' | 'INT' | 'HUP'): Promise<void>;
  readonly resize: (columns: number, rows: number) => Promise<void>;
}

const path = '/usr/sbin:/usr/bin:/sbin:/bin';

// `docker exec` knows neither umask nor groups, adds to the environment, and can't send signals: so a shell of the
// root says its number, which stays that of the program, and `env` gives the environment as it is. Data are arguments.
const wrapper = 'echo "$$" >&2; umask "$1"; test -z "$2" || stty cols "$2" rows "$3" 2>/dev/null; shift 3; exec "$@"';
// JSON carries no bytes that are not UTF-8: they come as printf's octal escapes. The dot keeps newlines at the end.
const decoder =
  'n=$#; while [ "$n" -gt 0 ]; do v=$(printf "%b." "$1"); shift; set -- "$@" "${v%.}"; n=$((n - 1)); done; ' +
  'cd -- "$1" || exit 126; shift; exec "$@"';
const killer = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2"';

/** Runs a program in a running container. See https://docs.docker.com/reference/api/engine/#tag/Exec. */
export async function execute(engine: Engine, container: string, what: Execution): Promise<Executing> {
  const { user, tty = false } = what;
  const entered = entering(what);
  const isPlain = [what.cwd, ...entered].every((word) => word.isWellFormed());
  const switches = user?.groups !== undefined && user.groups.length > 0;
  const created = (await engine.call('POST', `/containers/${container}/exec`, {
    json: {
      AttachStdin: what.stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      Cmd: [
        '/bin/sh',
        '-c',
        wrapper,
        'sh',
        octal(user?.umask ?? 0o022),
        ...(what.size ?? ['', '']).map(String),
        ...switching(what),
        ...(isPlain ? entered : decoding([what.cwd, ...entered])),
      ],
      Env: [`PATH=${path}`],
      User: switches ? '0:0' : user === undefined ? (what.otherwise ?? '0:0') : `${user.uid}:${user.gid}`,
      WorkingDir: isPlain ? what.cwd : '/',
    },
  })) as { readonly Id: string };
  const socket = await engine.hijack(`/exec/${created.Id}/start`, { Detach: false, Tty: tty });
  const { promise: number, resolve: setNumber } = Promise.withResolvers<string | undefined>();
  const head = headReader(setNumber);
  const handed = (async () => {
    for await (const { stream, piece } of tty ? whole(socket) : frames(socket)) {
      const rest = stream === 'stderr' || tty ? head(piece) : piece;
      if (rest.length === 0) continue;
      await (stream === 'stderr' ? what.onStderr(rest) : what.onStdout(rest));
    }
    setNumber(undefined);
  })();
  return {
    input: socket,
    status: handed.then(() => statusOf(engine, created.Id)),
    async signal(name) {
      const pid = await Promise.race([number, sleep(5000, undefined, { ref: false })]);
      if (pid !== undefined) await kill(engine, container, name, pid);
    },
    async resize(columns, rows) {
      await engine.call('POST', `/exec/${created.Id}/resize`, { query: { h: rows, w: columns } }).catch(() => {});
    },
  };
}

function switching({ user }: Execution): string[] {
  if (user?.groups === undefined || user.groups.length === 0) return [];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, `--groups=${user.groups.join(',')}`, '--'];
}

function entering({ env, argv }: Execution): string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // `env` would take a program with = in its name for a variable
  return ['env', '-i', ...variables, ...(argv[0].includes('=') ? ['nice', '-n', '0', '--'] : []), ...argv];
}

function decoding(words: readonly string[]): string[] {
  const escape = (byte: number) => `\\0${byte.toString(8).padStart(3, '0')}`;
  const encode = (word: string) =>
    [...nameBytes(word)]
      .map((byte) => (byte < 0x80 && byte !== 0x5c ? String.fromCharCode(byte) : escape(byte)))
      .join('');
  return ['/bin/sh', '-c', decoder, 'sh', ...words.map(encode)];
}

async function kill(engine: Engine, container: string, name: string, pid: string): Promise<void> {
  try {
    const created = (await engine.call('POST', `/containers/${container}/exec`, {
      json: { Cmd: ['/bin/sh', '-c', killer, 'sh', name, pid], Env: [`PATH=${path}`], User: '0:0' },
    })) as { readonly Id: string };
    await engine.call('POST', `/exec/${created.Id}/start`, { json: { Detach: true } });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error; // the container is down, and the program with it
  }
}

/** Whether a program that was begun is running still; one that the engine has forgotten is not. */
export async function isExecuting(engine: Engine, id: string): Promise<boolean> {
  try {
    return ((await engine.call('GET', `/exec/${id}/json`)) as { readonly Running: boolean }).Running;
  } catch (error) {
    if (error instanceof EngineError && error.code === 404) return false;
    throw error;
  }
}

async function statusOf(engine: Engine, id: string): Promise<number> {
  for (let wait = 1; ; wait = Math.min(wait * 2, 100)) {
    const seen = (await engine.call('GET', `/exec/${id}/json`)) as { Running: boolean; ExitCode: number | null };
    if (!seen.Running && seen.ExitCode !== null) return seen.ExitCode;
    await sleep(wait); // the streams end a little before the daemon has noticed
  }
}

/** Takes the line with the process's number from the front of a stream, if it has one. */
function headReader(found: (number: string | undefined) => void): (piece: Buffer) => Buffer {
  let head: Buffer | undefined = Buffer.alloc(0);
  return (piece) => {
    if (head === undefined) return piece;
    const all = Buffer.concat([head, piece]);
    const line = /^([0-9]{1,10})\r?\n/.exec(all.toString('latin1', 0, 16));
    if (line === null && all.length < 16 && /^[0-9]*\r?$/.test(all.toString('latin1'))) {
      head = all;
      return Buffer.alloc(0);
    }
    head = undefined;
    found(line?.[1]);
    return all.subarray(line?.[0].length ?? 0);
  };
}

interface Piece {
  readonly stream: 'stdout' | 'stderr';
  readonly piece: Buffer;
}

async function* whole(socket: Duplex): AsyncIterable<Piece> {
  for await (const piece of socket) yield { stream: 'stdout', piece: piece as Buffer };
}

/** Both streams over one connection: eight bytes (which stream, 0, 0, 0, length) in front of each piece. */
async function* frames(socket: Duplex): AsyncIterable<Piece> {
  let header = Buffer.alloc(0);
  let missing = 0;
  let stream: Piece['stream'] = 'stdout';
  for await (const chunk of socket) {
    let rest = chunk as Buffer;
    while (rest.length > 0) {
      if (missing === 0) {
        const taken = rest.subarray(0, 8 - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < 8) continue;
        stream = header[0] === 2 ? 'stderr' : 'stdout';
        missing = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const piece = rest.subarray(0, missing);
      missing -= piece.length;
      rest = rest.subarray(piece.length);
      yield { stream, piece };
    }
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
