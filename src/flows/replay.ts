import { openSync, closeSync } from 'node:fs';
import { join, posix } from 'node:path';

import { runId, UserError, type FileLock, type Run, type RunLock, type Spec, type StreamLock } from '../model/index.ts';
import type { Context, Session, Stat } from '../contract/index.ts';
import { activeFor, environmentOf, withActive, type Activations } from './activation.ts';
import { teeOut } from '../sessions/streams.ts';

export interface ReplayedFile {
  /** As in the spec: relative to the run's directory where it lies below it. */
  readonly path: string;
  readonly result: 'equal' | 'differs' | 'missing' | 'unwritten';
  /** What differs, for people, where that can be said. */
  readonly because?: string;
}

/** What came of running a run again. */
export interface Replay {
  readonly id: string;
  readonly status: { readonly was: number; readonly is: number };
  /** Standard output is `standard output`. */
  readonly outputs: readonly ReplayedFile[];
  readonly equal: boolean;
  /** Whether there was anything to compare: an output, or a failure. */
  readonly compared: boolean;
  readonly milliseconds: number;
  /** A file of this machine with what it wrote to standard output, and what the first run had, where both are there. */
  readonly stdout?: StreamLock;
}

export interface ReplayOptions {
  /** What switching on each distribution changes. */
  readonly activations: Activations;
  /** The descriptor that standard output goes to as well. */
  readonly onto?: number;
  readonly work: string;
}

/** Runs one run of a spec again in an environment that was made from it, and compares exit status, output and files. */
export async function replay(
  spec: Spec,
  index: number,
  session: Session,
  options: ReplayOptions,
  context: Context,
): Promise<Replay> {
  const run = spec.runs?.[index];
  const id = run === undefined ? '' : runId(run, index);
  const lock = spec.lock?.runs?.[id];
  if (run === undefined || lock === undefined) {
    throw new UserError('the spec has no run that could be run again', {
      status: 2,
      hint: 'trace one: repronim trace -- COMMAND',
    });
  }
  const started = performance.now();
  const directory = run.directory ?? '/';
  const paths = (lock.outputs ?? []).map(({ path }) => posix.resolve(directory, path));
  const before = await session.root.lstat(paths);
  const input = lock.stdin === undefined ? undefined : openSync(await contentOf(lock.stdin, context), 'r');
  const output = await teeOut(join(options.work, `stdout-${id}`), options.onto);
  let status: number;
  try {
    const running = session.exec(commandOf(run), {
      cwd: directory,
      env: variablesOf(spec, run, lock, options.activations),
      user: {
        uid: lock.as.uid,
        gid: lock.as.gid,
        groups: lock.as.groups ?? [],
        umask: Number.parseInt(lock.as.umask, 8),
      },
      stdin: input ?? 'ignore',
      stdout: output.fd,
      stderr: 'inherit',
      signal: context.signal,
    });
    status = await running;
  } catch (error) {
    await output.end();
    throw error;
  } finally {
    if (input !== undefined) closeSync(input);
  }
  const written = await output.end();
  const files = await compareFiles(lock.outputs ?? [], paths, before, session);
  const outputs: ReplayedFile[] = [...files, ...compareOutput(lock.stdout, written)];
  const was = run.status ?? 0;
  return {
    id,
    status: { was, is: status },
    outputs,
    equal: was === status && outputs.every(({ result }) => result === 'equal'),
    // the same failure twice is a result, too
    compared: outputs.length > 0 || was !== 0,
    milliseconds: performance.now() - started,
    stdout: written,
  };
}

function commandOf(run: Run): [string, ...string[]] {
  const [program, ...args] = run.command;
  if (program === undefined) throw new UserError('the run has an empty command', { status: 2 });
  return [program, ...args];
}

function variablesOf(spec: Spec, run: Run, lock: RunLock, activations: Activations): Record<string, string> {
  const base = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: lock.as.home,
    ...environmentOf(spec, run),
  };
  return withActive(base, activeFor(spec, run, activations), activations);
}

async function contentOf(stream: StreamLock, context: Context): Promise<string> {
  const file = await context.store.find(stream.sha256);
  if (file === undefined)
    throw new UserError('the standard input of the run is not in the store and not in the bundle');
  return file;
}

function compareOutput(was: StreamLock | undefined, is: StreamLock): ReplayedFile[] {
  if (was === undefined) return [];
  // a run that printed nothing, twice, proves nothing: it is not counted
  if (was.size === 0 && is.size === 0) return [];
  const equal = was.sha256 === is.sha256;
  return [
    {
      path: 'standard output',
      ...(equal ? { result: 'equal' } : { result: 'differs', because: `${was.size} bytes → ${is.size} bytes` }),
    },
  ];
}

async function compareFiles(
  outputs: readonly FileLock[],
  paths: readonly string[],
  before: readonly (Stat | undefined)[],
  session: Session,
): Promise<ReplayedFile[]> {
  const after = await session.root.lstat(paths);
  const digests = await session.root.digest(paths, 'sha256');
  return await Promise.all(
    outputs.map(async (output, index): Promise<ReplayedFile> => {
      const { path } = output;
      const [was, is] = [before[index], after[index]];
      if (is === undefined) return { path, result: 'missing' };
      if (was !== undefined && was.mtimeMs === is.mtimeMs && was.inode === is.inode && was.size === is.size) {
        return { path, result: 'unwritten', because: 'the run did not write it this time' };
      }
      const because = await difference(output, is, digests[index], paths[index] ?? path, session);
      return because === undefined ? { path, result: 'equal' } : { path, result: 'differs', because };
    }),
  );
}

/** What is different about one output, or undefined where nothing is. */
async function difference(
  was: FileLock,
  is: Stat,
  digest: string | undefined,
  path: string,
  session: Session,
): Promise<string | undefined> {
  if (was.directory === true) return is.type === 'directory' ? undefined : `a folder → a ${is.type}`;
  if (was.link !== undefined) {
    if (is.type !== 'link') return `a link → a ${is.type}`;
    const target = await session.root.readlink(path);
    return target === was.link ? undefined : `links to ${was.link} → ${target}`;
  }
  if (is.type !== 'file') return `a file → a ${is.type}`;
  if (was.sha256 === undefined) return undefined;
  if (digest !== was.sha256)
    return was.size === is.size ? 'same size, other content' : `${was.size ?? '?'} bytes → ${is.size} bytes`;
  const mode = is.mode.toString(8).padStart(4, '0');
  return was.mode === undefined || was.mode === mode ? undefined : `mode ${was.mode} → ${mode}`;
}
