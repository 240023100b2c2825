import type { ExecOptions, Root, RunOptions, RunResult, Session } from '../contract/index.ts';
import { UserError, type Argv } from '../model/index.ts';
import { enterArgv, enterEnvironment, openParameters, startEnter, type Fields, type Parameters } from './enter.ts';
import { CommandFailed, execProcess, runProcess } from './process.ts';

/** Where enter.pl does what a session is asked for. */
export interface Inside {
  readonly mode: 'join' | 'plain';
  /** Which enclosure (pid, start, flags) or which folder (root). */
  readonly fields: Fields;
  /** As people call it. */
  readonly label: string;
  /** Whether privileges are given up that can't come back. */
  readonly restricted: boolean;
  /** Programs run as whoever we are: nobody else can be had. */
  readonly asOurselves?: boolean;
  /** Whether abstract sockets of others have to be kept away by other means than a network namespace. */
  readonly scoped?: boolean;
  readonly root: Root;
  /** Called once, when the session is given back. */
  dispose(): Promise<void>;
}

/** A session whose every act is one start of enter.pl: nothing of ours is left running between them. */
export function insideSession(inside: Inside): Session {
  const prepare = (more: Fields): Parameters =>
    openParameters([...inside.fields, ...leavingFields(inside.restricted, inside.scoped === true), ...more]);
  const ownUser = (user: User): Fields =>
    inside.asOurselves === true ? [['umask', user.umask ?? 0o022]] : userFields(user);
  const argv = enterArgv(inside.mode);
  const check = (parameters: Parameters) => checkAnswer(parameters.answer(), inside.label);
  let disposed = false;

  return {
    root: inside.root,
    async run(command, options: RunOptions = {}): Promise<RunResult> {
      using parameters = prepare([...programFields(command, options), ...ownUser({ uid: 0, gid: 0 })]);
      const { env: _env, cwd: _cwd, accept = [0], ...rest } = options;
      const result = await runProcess(argv, {
        ...rest,
        env: enterEnvironment,
        cwd: '/',
        accept: 'any',
        descriptors: [parameters.descriptor],
      });
      check(parameters);
      if (accept !== 'any' && !accept.includes(result.status)) throw new CommandFailed(command, result);
      return result;
    },
    async exec(command, options: ExecOptions): Promise<number> {
      using parameters = prepare(execFields(command, options, ownUser));
      const { stdin, stdout, stderr, signal } = options;
      const status = await execProcess(argv, {
        stdin,
        stdout,
        stderr,
        ...(signal === undefined ? {} : { signal }),
        env: enterEnvironment,
        cwd: '/',
        descriptors: [parameters.descriptor],
      });
      check(parameters);
      return status;
    },
    async write(path, content, mode = 0o644) {
      using parameters = prepare([
        ['do', 'write'],
        ['path', path],
        ['mode', mode],
      ]);
      const result = await runProcess(argv, {
        env: enterEnvironment,
        cwd: '/',
        input: content,
        accept: 'any',
        descriptors: [parameters.descriptor],
      });
      check(parameters);
      expectDone(result.status, result.stderr.toString(), `write ${path}`, inside.label);
    },
    async untar(stream, into) {
      using parameters = prepare([
        ['do', 'untar'],
        ['into', into],
      ]);
      const child = startEnter(argv, ['pipe', 'ignore', 'pipe', parameters.descriptor], true);
      const ended = outcome(child);
      let broken: unknown;
      child.stdin?.on('error', (error) => (broken = error));
      try {
        for await (const chunk of stream) {
          if (broken !== undefined) break;
          if (child.stdin?.write(chunk) === false) await drained(child);
        }
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      }
      child.stdin?.end();
      const { status, said } = await ended;
      check(parameters);
      expectDone(status, said, `unpack into ${into}`, inside.label);
    },
    async *tar(paths) {
      using parameters = prepare([['do', 'tar'], ...paths.map((path) => ['path', path] as const)]);
      const child = startEnter(argv, ['ignore', 'pipe', 'pipe', parameters.descriptor], true);
      const ended = outcome(child);
      try {
        for await (const chunk of child.stdout ?? []) yield chunk as Uint8Array;
        const { status, said } = await ended;
        check(parameters);
        expectDone(status, said, 'pack', inside.label);
      } finally {
        child.kill('SIGKILL'); // where nobody reads on
      }
    },
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      await inside.root[Symbol.asyncDispose]();
      await inside.dispose();
    },
  };
}

/** What is given up before a stranger's program runs. */
export function leavingFields(restricted: boolean, scoped: boolean): Fields {
  return [
    ['parent', process.pid],
    ...(restricted ? ([['restrict', 1]] as const) : []),
    ...(scoped ? ([['scope', 1]] as const) : []),
  ];
}

/** A program on descriptors of ours, as enter.pl is asked for it. */
export function execFields(command: Argv, options: ExecOptions, asUser: (user: User) => Fields = userFields): Fields {
  return [
    ...programFields(command, options),
    ...asUser(options.user ?? { uid: 0, gid: 0 }),
    ...(options.tty === true ? ([['tty', 1]] as const) : []),
    ...(options.otherwise === undefined ? [] : ([['otherwise', options.otherwise]] as const)),
  ];
}

/** The environment of a program that is given none. */
export const ordinaryEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
};

function programFields(argv: Argv, options: Pick<ExecOptions, 'env' | 'cwd'>): Fields {
  return [
    ...argv.map((word) => ['arg', word] as const),
    ...Object.entries(options.env ?? ordinaryEnvironment).map(([name, value]) => ['env', `${name}=${value}`] as const),
    ['cwd', options.cwd ?? '/'],
  ];
}

type User = NonNullable<ExecOptions['user']>;

function userFields(user: User): Fields {
  return [
    ['uid', user.uid],
    ['gid', user.gid],
    ['groups', (user.groups ?? []).join(' ')],
    ['umask', user.umask ?? 0o022],
  ];
}

/** Throws for what kept enter.pl from doing what it was asked for. */
export function checkAnswer(answer: readonly string[], label: string): void {
  if (answer.includes('gone')) {
    throw new UserError(`${label} has ended`, { hint: 'it was stopped or removed meanwhile; start it again' });
  }
  const at = answer.lastIndexOf('failed');
  if (at < 0) return;
  const [step = '', , because = ''] = answer.slice(at + 1);
  if (step === 'directory') throw new UserError(`in ${label}, the working directory can't be entered: ${because}`);
  throw new UserError(`cannot run anything in ${label}: ${step}: ${because}`, { status: 4 });
}

function expectDone(status: number, said: string, what: string, label: string): void {
  if (status === 0) return;
  throw new UserError(`cannot ${what} in ${label}: ${said.trim() === '' ? `status ${status}` : said.trim()}`);
}

async function outcome(child: ReturnType<typeof startEnter>): Promise<{ status: number; said: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  promise.catch(() => {}); // whoever waits for it hears of it
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  child.once('error', reject);
  child.once('close', (code, signal) => resolve(code ?? (signal === null ? 125 : 137)));
  return { status: await promise, said };
}

async function drained({ stdin }: ReturnType<typeof startEnter>): Promise<void> {
  if (stdin === null || stdin.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stdin.once('drain', resolve);
  stdin.once('close', resolve);
  await promise;
  stdin.off('drain', resolve).off('close', resolve);
}
