import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import type { Confinement, ExecOptions } from '../contract/index.ts';
import { UserError, type Argv } from '../model/index.ts';
import { enterArgv, openParameters, startEnter, type Fields } from './enter.ts';
import { mapArgv, type Mapping } from './mapped.ts';

/** What an enclosure is made of: the tree that becomes `/`, and what of this machine is let in. */
export interface Enclosure {
  /** The folder that becomes `/`; with `overlay`, what lies below it and is never changed. */
  readonly root: string;
  readonly overlay?: { readonly upper: string; readonly work: string };
  readonly level: 'confined' | 'trusted';
  readonly network: 'none' | 'host';
  readonly mounts: Confinement['mounts'];
  readonly hostname?: string;
  /** Somebody watches who files are given to, and lets it succeed where only one id is there: we don't pretend then. */
  readonly watched?: boolean;
}

/** Another program that makes the enclosure, which we then enter and hold. */
export interface Engine {
  /** Runs a program in it that writes one byte to standard output when it is there, and waits. */
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  /** What it mounts in the tree, and nobody has asked for. */
  readonly detach?: readonly string[];
}

/** An enclosure that stands: its process 1, as this machine sees it. */
export interface Holder {
  readonly pid: number;
  /** Its start in clock ticks since boot: with the pid, it is this very process. */
  readonly start: string;
  /** The namespaces that it has of its own, as clone(2) has them. */
  readonly flags: string;
  /** Its descriptor of the tree as it is, without what is mounted in it; absent where the kernel is too old. */
  readonly tree?: string;
}

/** What came of trying to hold. `busy`: another process of ours has just made this enclosure, or is making it. */
export type Held =
  | { readonly is: 'ready'; readonly holder: Holder; readonly life: Duplex }
  | { readonly is: 'busy' }
  | { readonly is: 'failed'; readonly step: string; readonly because: string };

/**
 * Makes an enclosure and a process that holds it. It ends when `life` is closed (also by our death) and, where there
 * is a state folder, when nobody has the fifo `users` in it open any more.
 */
export async function hold(
  enclosure: Enclosure,
  options: {
    readonly state?: string;
    readonly keep?: boolean;
    readonly mapping: Mapping;
    readonly signal?: AbortSignal;
    /** Who makes it, where it is not ourselves; there has to be a state folder then. */
    readonly engine?: Engine;
  },
): Promise<Held> {
  options.signal?.throwIfAborted();
  const fields = holdFields(enclosure, options);
  const mapped = mapArgv(options.mapping, enterArgv('hold'));
  using parameters = openParameters([...mapped.fields, ...fields]);
  const child = startEnter(mapped.argv, ['ignore', 'ignore', 'pipe', parameters.descriptor, 'pipe'], true);
  const life = child.stdio[4] as unknown as Duplex;
  life.on('error', () => {}); // it may end before us
  const { said, status } = await output(child);
  const answer = parameters.answer();
  if (answer[0] === 'ready') {
    (life as unknown as { unref(): void }).unref();
    return { is: 'ready', holder: toHolder(answer.slice(1)), life };
  }
  life.destroy();
  if (answer[0] === 'busy') return { is: 'busy' };
  const at = answer.lastIndexOf('failed');
  if (at >= 0)
    return {
      is: 'failed',
      step: answer[at + 1] ?? '',
      because: [answer[at + 3] ?? '', said].filter((text) => text !== '').join('; '),
    };
  return { is: 'failed', step: 'start', because: said === '' ? `status ${status}` : said };
}

/**
 * Makes an enclosure as `hold` does and runs one program in it, by a single start of enter.pl. `fields` say what
 * program, and what it gives up. The enclosure ends with it, unless others have entered meanwhile.
 */
export async function holdAndRun(
  enclosure: Enclosure,
  fields: Fields,
  options: { readonly state: string; readonly mapping: Mapping; readonly engine?: Engine } & Pick<
    ExecOptions,
    'stdin' | 'stdout' | 'stderr' | 'signal'
  >,
): Promise<
  Exclude<Held, { is: 'ready' }> | { readonly is: 'ran'; readonly status: number; readonly answer: readonly string[] }
> {
  options.signal?.throwIfAborted();
  const mapped = mapArgv(options.mapping, enterArgv('hold'));
  const own = holdFields(enclosure, options);
  using parameters = openParameters([...mapped.fields, ...own, ['then', 1], ...fields]);
  const { stdin, stdout, stderr, signal } = options;
  const child = startEnter(mapped.argv, [stdin, stdout, stderr, parameters.descriptor, 'pipe']);
  const life = child.stdio[4] as unknown as Duplex;
  life.on('error', () => {}); // it may end before us
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('exit', (code, killed) => resolve(code ?? 128 + (killed === null ? 0 : constants.signals[killed])));
  try {
    const status = await promise;
    const answer = parameters.answer();
    if (answer[0] === 'ready') return { is: 'ran', status, answer };
    if (answer[0] === 'busy') return { is: 'busy' };
    const at = answer.lastIndexOf('failed');
    if (at < 0) return { is: 'failed', step: 'start', because: `status ${status}` };
    return { is: 'failed', step: answer[at + 1] ?? '', because: answer[at + 3] ?? '' };
  } finally {
    signal?.removeEventListener('abort', stop);
    life.destroy();
  }
}

/** What is known of the holder of a state folder; it may have ended. */
export function readHolder(state: string): Holder | undefined {
  try {
    return toHolder(readFileSync(join(state, 'holder'), 'latin1').trim().split(' '));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What is known of process 1 of the engine that made the enclosure of a state folder; it may have ended. */
export function readEngine(state: string): Pick<Holder, 'pid' | 'start'> | undefined {
  try {
    const [pid = '', start = ''] = readFileSync(join(state, 'engine'), 'latin1').trim().split(' ');
    return { pid: Number(pid), start };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a holder has seen that nobody is in, and is about to end. */
export function isClosing(holder: Holder): boolean {
  try {
    return readFileSync(`/proc/${holder.pid}/comm`, 'latin1').startsWith('closing');
  } catch {
    return true;
  }
}

/** include/linux/sched.h; proc_pid_stat(5), field 9. */
const PF_EXITING = 0x4;

/** Whether the process of a holder is there, and not one that has got its number since. */
export function isAlive(holder: Pick<Holder, 'pid' | 'start'>): boolean {
  try {
    const stat = readFileSync(`/proc/${holder.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    // One that is ending may have to wait for somebody else to reap what was in it; its mounts are gone by then.
    const ending = (Number(fields[6]) & PF_EXITING) !== 0 || fields[0] === 'Z' || fields[0] === 'X';
    return fields[19] === holder.start && !ending;
  } catch {
    return false;
  }
}

/** Ends an enclosure and all that runs in it. */
export function endHolder(holder: Pick<Holder, 'pid' | 'start'>): void {
  if (!isAlive(holder)) return;
  try {
    process.kill(holder.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What a failed step of enter.pl means, as an error for people. */
export function cannotEnclose(step: string, because: string): UserError {
  if (step === 'engine') {
    return new UserError(`the engine cannot start it: ${because.trim()}`, {
      hint: 'repronim doctor says what it needs here; chroot needs no engine',
      status: 4,
    });
  }
  return new UserError(`cannot confine what runs here: ${step}: ${because}`, {
    hint: '--trust runs it all the same, as well as this machine can; --backend docker or apptainer may be able to',
    status: 4,
  });
}

function toHolder([pid = '', start = '', flags = '', tree = '-']: readonly string[]): Holder {
  return { pid: Number(pid), start, flags, ...(tree === '-' ? {} : { tree }) };
}

function holdFields(
  enclosure: Enclosure,
  options: { readonly state?: string; readonly keep?: boolean; readonly mapping: Mapping; readonly engine?: Engine },
): Fields {
  const fields: [string, string | number][] = [
    ['root', enclosure.root],
    ['network', enclosure.network],
    ['user', 1],
  ];
  if (enclosure.overlay !== undefined) {
    fields.push(['upper', enclosure.overlay.upper], ['work', enclosure.overlay.work]);
    if (options.mapping.kind !== 'root') fields.push(['userxattr', 1]);
  }
  if (enclosure.hostname !== undefined) fields.push(['hostname', enclosure.hostname]);
  if (options.state !== undefined) fields.push(['state', options.state]);
  if (options.keep === true) fields.push(['keep', 1]);
  if (options.engine !== undefined) return [...fields, ...engineFields(options.engine, enclosure.mounts)];
  for (const { source, path, readonly } of enclosure.mounts) {
    fields.push(['mount', `${readonly ? 'ro' : 'rw'}:${Buffer.byteLength(source)}:${source}${path}`]);
  }
  return fields;
}

/** What says that an engine makes the enclosure. */
export function engineFields({ argv, env, detach = [] }: Engine, mounts: Confinement['mounts']): Fields {
  return [
    ...argv.map((word) => ['engine', word] as const),
    ...Object.entries(env).map(([name, value]) => ['engine-env', `${name}=${value}`] as const),
    ...detach.map((path) => ['detach', path] as const),
    ...mounts.map(({ path }) => ['inner', path] as const),
  ];
}

async function output(child: ReturnType<typeof startEnter>): Promise<{ said: string; status: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  child.once('error', reject);
  child.once('exit', (code) => resolve(code ?? 125));
  const status = await promise;
  return { said: said.trim(), status };
}
