import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, cpSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';

const top = resolve(import.meta.dirname, '../..');

/** What a command line gave. */
export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Typed {
  readonly directory: string;
  /** What standard input is: text through a pipe, a file, or (default) nothing. */
  readonly stdin?: { readonly pipe: string } | { readonly file: string };
}

/** Somebody who types commands: who that is, where repronim lies for them, and what their state is. */
export interface Person {
  readonly name: string;
  /** Before every command: how root becomes this person. */
  readonly as: readonly string[];
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Root, or whoever runs the tests. */
export function myself(home: string): Person {
  const { execPath } = process;
  return {
    name: 'myself',
    as: [],
    program: [execPath, '--no-warnings', join(top, 'src/cli/main.ts')],
    env: { ...ordinaryEnvironment(), REPRONIM_HOME: home },
  };
}

/**
 * An ordinary user of a test's own, with a copy of repronim and of Node that they may read, below `folder`. Disposing
 * takes the user away. Root only.
 */
export async function withUser(folder: string): Promise<Person & AsyncDisposable> {
  const name = `repronim-${process.pid}`;
  const home = join(folder, 'home');
  await runProcess(['useradd', '--create-home', '--home-dir', home, '--', name]);
  const copy = join(folder, 'repronim');
  for (const part of ['src', 'schema', 'package.json']) cpSync(join(top, part), join(copy, part), { recursive: true });
  for (const dependency of dependenciesOf(join(top, 'package.json'))) {
    cpSync(join(top, 'node_modules', dependency), join(copy, 'node_modules', dependency), { recursive: true });
  }
  const node = join(folder, 'bin/node');
  mkdirSync(dirname(node));
  copyFileSync(process.execPath, node);
  await runProcess(['chmod', '-R', 'go+rX', copy, dirname(node)]);
  chmodSync(folder, 0o755);
  return {
    name,
    as: ['/sbin/runuser', '-u', name, '--'],
    program: [node, '--no-warnings', join(copy, 'src/cli/main.ts')],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', HOME: home, USER: name, LOGNAME: name },
    async [Symbol.asyncDispose]() {
      await runProcess(['userdel', '--', name], { accept: 'any' });
    },
  };
}

/** The environment as the test runner had it, less what is Node's and ours. */
function ordinaryEnvironment(): Record<string, string> {
  const own = /^(?:NODE_(?!EXTRA_CA_CERTS)|npm_|REPRONIM_)/;
  return Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined && !own.test(pair[0])),
  );
}

/** Names of the packages that one needs, and of those that these need. */
function dependenciesOf(file: string): Set<string> {
  const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> };
  const direct = Object.keys(dependencies);
  const further = direct.map((name) => dependenciesOf(join(top, 'node_modules', name, 'package.json')));
  return new Set([direct, ...further.map((names) => [...names])].flat());
}

/** Types `repronim WORDS`, and waits for its end. */
export async function type(person: Person, words: readonly string[], typed: Typed): Promise<Said> {
  const child = start(person, words, typed);
  return await said(child);
}

/** Types it, and lets it run. */
export function start(person: Person, words: readonly string[], { directory, stdin }: Typed): ChildProcess {
  const [program = '', ...rest] = [...person.as, ...person.program, ...words];
  const file = stdin !== undefined && 'file' in stdin ? openSync(stdin.file, 'r') : undefined;
  const child = spawn(program, rest, {
    cwd: directory,
    env: person.env,
    stdio: [file ?? (stdin === undefined ? 'ignore' : 'pipe'), 'pipe', 'pipe'],
  });
  if (file !== undefined) closeSync(file);
  if (stdin !== undefined && 'pipe' in stdin) child.stdin?.on('error', () => {}).end(stdin.pipe);
  return child;
}

/** What a command line says until it ends. */
export async function said(child: ChildProcess): Promise<Said> {
  const { promise, resolve: done, reject } = Promise.withResolvers<number>();
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.once('error', reject);
  child.once('close', (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  const status = await promise;
  return { status, stdout, stderr };
}
