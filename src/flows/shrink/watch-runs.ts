import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { runId, UserError, type Argv, type FileLock, type RunLock, type Spec } from '../../model/index.ts';
import type { Session } from '../../contract/index.ts';
import { entryDigest } from '../../formats/spec/lock.ts';
import { activationsOf, activeFor, environmentOf, withActive } from '../activation.ts';
import { applySteps } from '../apply.ts';
import { readUsed } from '../files/used.ts';
import { traceContextOf, type House } from '../house.ts';
import { addTraced } from '../merge.ts';
import { stepsBeforeRun } from '../plan.ts';
import { outputsOf } from '../run-files.ts';
import { trace } from '../trace.ts';

/** What is run to see what is used. */
export interface Watching {
  /** Indices of runs of the spec. */
  readonly runs: readonly number[];
  readonly command?: Argv;
}

/** What the commands used, as a spec with a run for each; and every file of a distribution among it. */
export interface WatchedRuns {
  readonly spec: Spec;
  readonly used: ReadonlySet<string>;
  /** Whatever was asked about or worked in: folders among it have to be there. */
  readonly asked: ReadonlySet<string>;
  /** Files that were opened or run, whoever has them. */
  readonly opened: ReadonlySet<string>;
}

interface OneRun {
  readonly id?: string;
  readonly command: Argv;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly as: RunLock['as'];
  readonly stdin?: RunLock['stdin'];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Runs them one after the other in a session of the whole environment, each watched. */
export async function watchRuns(
  spec: Spec,
  { runs, command }: Watching,
  session: Session,
  house: House,
  work: string,
): Promise<WatchedRuns> {
  const all = [...runs.map((index) => ({ index })), ...(command === undefined ? [] : [{ command }])];
  const used = new Set<string>();
  const asked = new Set<string>();
  const opened = new Set<string>();
  let united: Spec | undefined;
  for (const [number, one] of all.entries()) {
    const run = 'index' in one ? runOf(spec, one.index, house) : commandRun(spec, one.command, house);
    if ('index' in one) await applySteps(stepsBeforeRun(spec, one.index), session, house.store, () => {});
    const folder = join(work, `run-${number}`);
    await mkdir(folder);
    const traced = await traceIn(run, { also: [...used], asked, opened }, { spec, session }, house, folder);
    for (const { path } of await usedOf(traced, house)) used.add(path);
    united =
      united === undefined ? traced : addTraced(united, traced, { ...house, file: 'what was watched', whole: true });
  }
  if (united === undefined) {
    throw new UserError('nothing says what the image is for: the spec has no runs', {
      status: 2,
      hint: 'name a command: repronim image shrink … -- COMMAND',
    });
  }
  return { spec: united, used, asked, opened };
}

async function traceIn(
  run: OneRun,
  {
    also,
    asked,
    opened,
  }: { readonly also: readonly string[]; readonly asked: Set<string>; readonly opened: Set<string> },
  { spec, session }: { readonly spec: Spec; readonly session: Session },
  house: House,
  work: string,
): Promise<Spec> {
  const stdin = run.stdin === undefined ? undefined : await house.store.find(run.stdin.sha256);
  if (run.stdin !== undefined && stdin === undefined) {
    throw new UserError(`the standard input of ${run.id ?? 'the run'} is not in the store`);
  }
  const fd = stdin === undefined ? ('ignore' as const) : openSync(stdin, 'r');
  const { uid, gid, groups = [], umask } = run.as;
  try {
    const traced = await trace(
      {
        root: session.root,
        run: {
          command: run.command,
          directory: run.directory,
          env: run.env,
          given: { fd, ...(run.stdin === undefined ? {} : { lock: run.stdin }) },
          onto: 2,
          keepOutput: true,
          stat: true, // whether something is there may be all that a program wants to know
          as: run.as,
          inside: { session, user: { uid, gid, groups, umask: Number.parseInt(umask, 8) } },
        },
        also,
        onSeen: ({ accesses, directories }) => {
          for (const path of directories) asked.add(path);
          for (const { path, directory, asked: only } of accesses) (directory || only ? asked : opened).add(path);
        },
        inputs: run.inputs,
        outputs: run.outputs,
        variables: Object.keys(spec.environment ?? {}),
      },
      house,
      traceContextOf(house, { scope: 'used', keep: true, whole: [] }),
      work,
    );
    return named(traced.spec, run.id);
  } finally {
    if (typeof fd === 'number') closeSync(fd);
  }
}

async function usedOf(spec: Spec, house: House): Promise<readonly FileLock[]> {
  const lists = await Promise.all(Object.values(spec.lock?.runs ?? {}).map(({ used }) => readUsed(used, house.store)));
  return lists.flatMap((list) => list ?? []);
}

/** The one run of what was just traced, by the name that it had. */
function named(spec: Spec, id: string | undefined): Spec {
  const [run] = spec.runs ?? [];
  const lock = spec.lock?.runs?.['run'];
  if (id === undefined || id === 'run' || run === undefined || lock === undefined) return spec;
  const entry = { id, ...run };
  return { ...spec, runs: [entry], lock: { ...spec.lock, runs: { [id]: { ...lock, of: entryDigest(entry) } } } };
}

function runOf(spec: Spec, index: number, house: House): OneRun {
  const run = spec.runs?.[index];
  const lock = run === undefined ? undefined : spec.lock?.runs?.[runId(run, index)];
  const [program, ...args] = run?.command ?? [];
  if (run === undefined || lock === undefined || program === undefined) {
    throw new UserError('the spec has a run that was never traced', { status: 2 });
  }
  const directory = run.directory ?? '/';
  const named = [...(run.inputs ?? []), ...(lock.inputs ?? []).map(({ path }) => path)];
  return {
    id: runId(run, index),
    command: [program, ...args],
    directory,
    env: variables(spec, index, lock.as.home, house),
    as: lock.as,
    ...(lock.stdin === undefined ? {} : { stdin: lock.stdin }),
    inputs: named.map((path) => posix.resolve(directory, path)),
    outputs: outputsOf(run, lock),
  };
}

/** A command of now: where and as whom the spec's first run was run. */
function commandRun(spec: Spec, command: Argv, house: House): OneRun {
  const [run] = spec.runs ?? [];
  const as = run === undefined ? undefined : spec.lock?.runs?.[runId(run, 0)]?.as;
  const root = { uid: 0, gid: 0, umask: '0022', home: '/root' };
  return {
    command,
    directory: run?.directory ?? '/',
    env: variables(spec, 0, as?.home ?? root.home, house),
    as: as ?? root,
    inputs: [],
    outputs: [],
  };
}

function variables(spec: Spec, index: number, home: string, { distributions }: House): Record<string, string> {
  const run = spec.runs?.[index];
  const activations = activationsOf(spec, distributions);
  const base = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    ...environmentOf(spec, run),
  };
  return withActive(base, activeFor(spec, run, activations), activations);
}
