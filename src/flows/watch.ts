import { join } from 'node:path';

import { UserError, type Argv, type Note, type StreamLock } from '../model/index.ts';
import type { Context, ExecOptions, Session, Store, TraceResult, Tracer } from '../contract/index.ts';
import { copyRest, streamKind, teeIn, teeOut, type Input, type Tee } from '../sessions/streams.ts';

/** A command to watch, and where its streams come from and go to. */
export interface WatchRequest {
  readonly command: Argv;
  /** Absolute. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Our own standard input as a stream; asked for only where it is a pipe. */
  readonly input?: () => Input;
  /** Where standard output goes: 1, or 2 where standard output is our own answer. */
  readonly onto: 1 | 2;
  /** Standard output is kept even if it is a terminal's: the program then sees a pipe. */
  readonly keepOutput: boolean;
  readonly stat: boolean;
  readonly allowIoUring?: boolean;
  /** What it is given as standard input; default: ours. */
  readonly given?: { readonly fd: number | 'ignore'; readonly lock?: StreamLock };
  /** In which instance it runs, and as whom; default: on this machine, as we are. */
  readonly inside?: { readonly session: Session; readonly user: NonNullable<ExecOptions['user']> };
}

export interface Watched extends TraceResult {
  /** What it was given, where that can be had again. */
  readonly stdin?: StreamLock;
  readonly stdout?: StreamLock;
}

/**
 * Runs a command under the tracer. Its streams stay what they are where a person may be at the other end; what comes
 * through a pipe or from a file is kept on the way.
 */
export async function watch(request: WatchRequest, tracer: Tracer, context: Context, work: string): Promise<Watched> {
  const probed = await tracer.probe(context.signal);
  if (!probed.usable) {
    throw new UserError(`cannot trace here: ${probed.because}`, {
      hint: `${probed.hint}; without it, trace --path FILE… takes the files that you name`,
      status: 125,
    });
  }
  const input = await openInput(request, work);
  const output = await openOutput(request, work);
  let result: TraceResult;
  try {
    result = await tracer.trace(request.command, {
      cwd: request.directory,
      env: request.env,
      stdin: input.fd,
      stdout: output?.fd ?? (request.onto === 1 ? 'inherit' : 2),
      stderr: 'inherit',
      stat: request.stat,
      ...(request.allowIoUring === undefined ? {} : { allowIoUring: request.allowIoUring }),
      ...request.inside,
      work,
      onProgress: context.onProgress,
      signal: context.signal,
    });
  } catch (error) {
    await output?.end();
    throw error;
  } finally {
    await input.tee?.end();
  }
  if (result.programs.length === 0 && (result.status === 126 || result.status === 127)) {
    await output?.end();
    const because = result.status === 127 ? 'there is no such command' : 'it cannot be executed';
    throw new UserError(`${request.command[0]}: ${because}`, { status: result.status });
  }
  const stdin = await input.kept(context.store);
  const stdout = output === undefined ? undefined : await output.end();
  return {
    ...result,
    notes: [...result.notes, ...input.notes],
    ...(stdin === undefined ? {} : { stdin }),
    ...(stdout === undefined ? {} : { stdout }),
  };
}

interface OpenInput {
  readonly fd: number | 'inherit' | 'ignore';
  readonly tee?: Tee;
  readonly notes: readonly Note[];
  kept(store: Store): Promise<StreamLock | undefined>;
}

async function openInput(request: WatchRequest, work: string): Promise<OpenInput> {
  const { given } = request;
  if (given !== undefined) return { fd: given.fd, notes: [], kept: async () => given.lock };
  const file = join(work, 'stdin');
  const keep = async (store: Store) => await store.addFile(file);
  switch (streamKind(0)) {
    case 'file':
      copyRest(0, file);
      return { fd: 'inherit', notes: [], kept: keep };
    case 'pipe': {
      if (request.input === undefined) return { fd: 'inherit', notes: [], kept: async () => undefined };
      const tee = await teeIn(file, request.input());
      return { fd: tee.fd, tee, notes: [], kept: keep };
    }
    case 'terminal':
      return { fd: 'inherit', notes: [], kept: async () => undefined };
    case 'other':
    case 'closed':
      return { fd: 'ignore', notes: [], kept: async () => undefined };
  }
}

async function openOutput(request: WatchRequest, work: string): Promise<Tee | undefined> {
  const kind = streamKind(1);
  if (!request.keepOutput && (kind === 'terminal' || kind === 'closed')) return undefined;
  return await teeOut(join(work, 'stdout'), request.onto);
}
