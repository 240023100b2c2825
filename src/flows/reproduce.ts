import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join, posix } from 'node:path';

import {
  digestOf,
  isWithin,
  runId,
  UserError,
  type ContentRef,
  type Note,
  type Spec,
  type Verdict,
} from '../model/index.ts';
import type { Confinement } from '../contract/index.ts';
import { refuseStale } from '../formats/spec/lock.ts';
import { writeSpec } from '../formats/spec/write.ts';
import { activationsOf } from './activation.ts';
import { applySteps } from './apply.ts';
import { remove } from './attach.ts';
import { create, type Created } from './create.ts';
import { explainDifference } from './explain-difference.ts';
import { createContextOf, withWork } from './create-context.ts';
import { contextOf, traceContextOf, type House } from './house.ts';
import { lacksOf } from './lacks.ts';
import type { Loaded } from './load.ts';
import { stepsBeforeRun } from './plan.ts';
import { replay, type Replay } from './replay.ts';
import { resolve } from './resolve.ts';
import { trace, type Traced } from './trace.ts';
import type { TraceRequest } from './trace-request.ts';
import { trustOf, type TrustSummary } from './trust.ts';
import { madeFrom, verify } from './verify.ts';

/** What has been done, as soon as it is done. */
export type Stage =
  | { readonly stage: 'traced'; readonly traced: Traced; readonly command: readonly string[] }
  | {
      readonly stage: 'trusted';
      readonly trust: TrustSummary;
      readonly confinement: Confinement;
      readonly lacks: readonly Note[];
    }
  | { readonly stage: 'created'; readonly created: Created; readonly spec: Spec }
  | { readonly stage: 'verified'; readonly verdict: Verdict; readonly milliseconds: number }
  | { readonly stage: 'replayed'; readonly replay: Replay };

export interface ReproduceOptions {
  readonly backend: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Default: `<folder>-<4 digits of the spec's digest>`; that of the same spec is replaced. */
  readonly name?: string;
  /** Where the name comes from, if none is given. */
  readonly folder: string;
  readonly confinement: Confinement;
  /** Ids of the runs that are run again; default: all, in order. */
  readonly runs?: readonly string[];
  /** The instance is removed afterwards. */
  readonly remove: boolean;
  onStage(stage: Stage): void;
}

/** The answer. `reproduced` only where something was compared, and all of it is equal. */
export interface Reproduction {
  readonly outcome: 'reproduced' | 'differs' | 'nothing compared';
  readonly name: string;
  readonly spec: Spec;
  readonly verdict: Verdict;
  readonly replays: readonly Replay[];
}

/** Traces a command, and does the rest with what was found. */
export async function reproduceCommand(
  request: TraceRequest & { readonly run: NonNullable<TraceRequest['run']> },
  options: ReproduceOptions & Parameters<typeof traceContextOf>[1],
  house: House,
): Promise<Reproduction> {
  refuseKernelFolder(request.run.directory);
  if (options.name !== undefined) await refuseTaken(options.name, house); // before anything is run
  return await withWork(house, async (work) => {
    const traced = await trace(request, house, traceContextOf(house, options), work);
    options.onStage({ stage: 'traced', traced, command: request.run.command });
    const text = writeSpec(traced.spec, { distributions: house.distributions });
    const source = await house.store.add(Buffer.from(text));
    return await reproduceSpec(traced.spec, source, options, house, { work, own: join(work, 'stdout') });
  });
}

/** Every environment has these from its own kernel: nothing can be put there for a run. */
function refuseKernelFolder(directory: string): void {
  const folder = ['/dev', '/proc', '/sys', '/run'].find((top) => isWithin(directory, top));
  if (folder === undefined) return;
  throw new UserError(`a run in ${directory} cannot be repeated: ${folder} is every machine's own`, {
    status: 2,
    hint: 'run it in another folder, such as one below your home or /tmp',
  });
}

/** The same for a spec or bundle that came from elsewhere. */
export async function reproduceFile(loaded: Loaded, options: ReproduceOptions, house: House): Promise<Reproduction> {
  if ((loaded.spec.runs ?? []).length === 0) {
    throw new UserError(`${loaded.file} has no run that could be repeated`, {
      status: 2,
      hint: `repronim create NAME ${loaded.file} makes its environment`,
    });
  }
  chosenRuns(loaded.spec, options.runs ?? []); // before anything is made
  refuseStale(loaded.spec, loaded);
  const spec = await resolve({ spec: loaded.spec, entries: 'unlocked', renew: [] }, house);
  const text = writeSpec(spec, house);
  const source = spec === loaded.spec ? loaded.source : await house.store.add(Buffer.from(text));
  return await withWork(house, async (work) => {
    const trust = await trustOf({ ...loaded, spec }, house, work);
    options.onStage({
      stage: 'trusted',
      trust,
      confinement: options.confinement,
      lacks: lacksOf(spec, house.distributions),
    });
    return await reproduceSpec(spec, source, options, house, { work });
  });
}

/** `own`: the file that holds the first run's standard output, where that run was ours. */
async function reproduceSpec(
  spec: Spec,
  source: ContentRef,
  options: ReproduceOptions,
  house: House,
  { work, own }: { readonly work: string; readonly own?: string },
): Promise<Reproduction> {
  const name = options.name ?? nameFor(options.folder, spec);
  await replaceSame(name, options.name !== undefined, house);
  const created = await create({ ...options, name, spec, source }, house);
  options.onStage({ stage: 'created', created, spec });
  try {
    await using session = await created.instance.session();
    const started = performance.now();
    const verdict = await verify(spec, session.root, {
      distributions: house.distributions,
      context: createContextOf(house, work, options.confinement.level === 'trusted'),
      ...madeFrom(created.rootfs),
      ...(created.inPlace === undefined ? {} : { inPlace: true }),
    });
    options.onStage({ stage: 'verified', verdict, milliseconds: performance.now() - started });
    const replays: Replay[] = [];
    const activations = activationsOf(spec, house.distributions);
    for (const index of chosenRuns(spec, options.runs ?? [])) {
      if (options.runs !== undefined && options.runs.length > 0) {
        await applySteps(stepsBeforeRun(spec, index), session, house.store, () => {});
      }
      const done = await replay(spec, index, session, { work, onto: 2, activations }, contextOf(house));
      const explained = own === undefined ? done : await explainAll(done, spec, index, session.root, { work, own });
      replays.push(explained);
      options.onStage({ stage: 'replayed', replay: explained });
    }
    const outcome = outcomeOf(verdict, replays);
    return { outcome, name, spec, verdict, replays };
  } finally {
    if (options.remove) await remove(name, house);
    else await created.instance.stop();
  }
}

/** Where the runs are that were asked for; all of them where none was. Throws UserError 2 for one that is not there. */
function chosenRuns(spec: Spec, ids: readonly string[]): readonly number[] {
  const known = (spec.runs ?? []).map(runId);
  for (const id of ids) {
    if (known.includes(id)) continue;
    throw new UserError(`there is no run ${id}`, { status: 2, hint: `there are: ${known.join(', ')}` });
  }
  return [...known.keys()].filter((index) => ids.length === 0 || ids.includes(known[index] ?? ''));
}

function outcomeOf(verdict: Verdict, replays: readonly Replay[]): Reproduction['outcome'] {
  if (!verdict.equal || replays.some(({ equal }) => !equal)) return 'differs';
  return replays.some(({ compared }) => compared) ? 'reproduced' : 'nothing compared';
}

/** `<folder>-<4 digits>`: what is not in the alphabet of names is transliterated or left out. */
function nameFor(folder: string, spec: Spec): string {
  const plain = basename(folder)
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return `${plain === '' ? 'run' : plain}-${digestOf(spec).slice(7, 11)}`;
}

async function refuseTaken(name: string, house: House): Promise<void> {
  const held = await house.inventory.instances.find(name);
  if (held?.status !== 'made') return;
  throw new UserError(`there is an instance ${name} already`, {
    status: 2,
    hint: `repronim delete ${name}, or another --name`,
  });
}

async function replaceSame(name: string, given: boolean, house: House): Promise<void> {
  if (given) await refuseTaken(name, house);
  if ((await house.inventory.instances.find(name)) !== undefined) await remove(name, house);
}

/** Says what differs where the first run's files still lie on this machine. */
async function explainAll(
  done: Replay,
  spec: Spec,
  index: number,
  root: { readFile(path: string, limit?: number): Promise<Buffer> },
  { work, own }: { work: string; own: string },
): Promise<Replay> {
  if (done.equal) return done;
  const directory = spec.runs?.[index]?.directory ?? '/';
  const locks = spec.lock?.runs?.[done.id];
  const outputs = await Promise.all(
    done.outputs.map(async (output) => {
      if (output.result !== 'differs') return output;
      if (output.path === 'standard output') {
        const pair = await Promise.all([small(own), small(join(work, `stdout-${done.id}`))]);
        return pair[0] === undefined || pair[1] === undefined
          ? output
          : { ...output, because: explainDifference(pair[0], pair[1], hostname()) };
      }
      const path = posix.resolve(directory, output.path);
      const lock = locks?.outputs?.find((one) => one.path === output.path);
      if (lock?.sha256 === undefined || (await sha256Of(path)) !== lock.sha256) return output;
      const was = await small(path);
      const is = await root.readFile(path, 64 * 1024 * 1024).catch(() => undefined);
      return was === undefined || is === undefined || was.equals(is)
        ? output
        : { ...output, because: explainDifference(was, is, hostname()) };
    }),
  );
  return { ...done, outputs };
}

async function small(file: string): Promise<Buffer | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && found.size <= 64 * 1024 * 1024 ? await readFile(file) : undefined;
}

async function sha256Of(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}
