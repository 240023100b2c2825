import type { Writable } from 'node:stream';

import type { Argv } from '../../model/index.ts';
import { nameBytes } from '../../roots/names.ts';

/** A program in a running container, and how it is run there. */
export interface Execution {
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where it runs where there is no `cwd`; absent: then it does not run. */
  readonly otherwiseIn?: string | undefined;
  readonly user?:
    | { readonly uid: number; readonly gid: number; readonly groups?: readonly number[]; readonly umask?: number }
    | undefined;
  /** As whom it runs where `user` does not say it, as the engine takes it; default: root. */
  readonly otherwise?: string | undefined;
  readonly tty?: boolean;
  /** Of its terminal, from its first moment on: daemons set it (`resize`) when the program may have looked already. */
  readonly size?: readonly [columns: number, rows: number] | undefined;
}

/** A program whose streams are passed on by us. */
export interface Streamed extends Execution {
  /** Whether the program's standard input is ours to write; else it is /dev/null. */
  readonly stdin: boolean;
  onStdout(piece: Buffer): void | Promise<void>;
  onStderr(piece: Buffer): void | Promise<void>;
}

export interface Executing {
  /** To the program's standard input; ending it is its end. */
  readonly input: Writable;
  /** Of the program, once all that it wrote was handed on: 128 + N for signal N, 126, 127 as a shell has them. */
  readonly status: Promise<number>;
  /** Sends a signal to the program and what it started; nothing where it has ended. */
  signal(name: 'TERM' | 'KILL' | 'INT' | 'HUP'): Promise<void>;
  readonly resize: (columns: number, rows: number) => Promise<void>;
}

/** What an engine is asked to run for it. */
export interface Command {
  readonly argv: readonly string[];
  /** As the engine takes it. */
  readonly user: string;
  readonly cwd: string;
}

export const path = '/usr/sbin:/usr/bin:/sbin:/bin';

// `docker exec` knows neither umask nor groups, adds to the environment, and can't send signals: so a shell of the
// root says its number, which stays that of the program, and `env` gives the environment as it is. Data are arguments.
const beginnings = {
  /** The number is the first line of standard error. */
  stderr: { tell: 'echo "$$" >&2', refuse: 'exit 126', close: '' },
  /** It goes to descriptor 3, with a NUL behind it, and so does what can't be done. */
  file: { tell: `printf '%s\\0' "$$" >&3`, refuse: `{ printf 'directory\\0' >&3; exit 126; }`, close: 'exec 3>&-; ' },
} as const;
const enter = '{ test -z "$4" || cd -- "$4" 2>/dev/null || { test -n "$5" && cd -- "$5"; }; }';
const wrapperOf = (to: keyof typeof beginnings) => {
  const { tell, refuse, close } = beginnings[to];
  const size = 'test -z "$2" || stty cols "$2" rows "$3" 2>/dev/null';
  return `${tell}; umask "$1"; ${size}; ${enter} || ${refuse}; ${close}shift 5; exec "$@"`;
};
// JSON carries no bytes that are not UTF-8: they come as printf's octal escapes. The dot keeps newlines at the end.
const decoder =
  'n=$#; while [ "$n" -gt 0 ]; do v=$(printf "%b." "$1"); shift; set -- "$@" "${v%.}"; n=$((n - 1)); done; ' +
  'cd -- "$1" 2>/dev/null || { test -n "$2" && cd -- "$2"; } || exit 126; shift 2; exec "$@"';

/** The words for an engine; `tells`: where the program's number goes. */
export function commandOf(what: Execution, tells: keyof typeof beginnings): Command {
  const { user, cwd, otherwiseIn } = what;
  const entered = entering(what);
  const isPlain = [cwd, ...entered].every((word) => word.isWellFormed());
  const switches = user?.groups !== undefined && user.groups.length > 0;
  // what the engine itself can't enter, it refuses
  const isOurs = isPlain && (otherwiseIn !== undefined || tells === 'file');
  return {
    argv: [
      '/bin/sh',
      '-c',
      wrapperOf(tells),
      'sh',
      octal(user?.umask ?? 0o022),
      ...(what.size ?? ['', '']).map(String),
      isOurs ? cwd : '',
      otherwiseIn ?? '',
      ...switching(what),
      ...(isPlain ? entered : decoding([cwd, otherwiseIn ?? '', ...entered])),
    ],
    user: switches ? '0:0' : user === undefined ? (what.otherwise ?? '0:0') : `${user.uid}:${user.gid}`,
    cwd: isPlain && !isOurs ? cwd : '/',
  };
}

const killer = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2"';

/** Sends a signal to a program by its number, and to what it has started. */
export function killCommand(signal: string, pid: string): Argv {
  return ['/bin/sh', '-c', killer, 'sh', signal, pid];
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

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
