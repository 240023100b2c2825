import { byBytes, type Note, type Spec, type VolatilePath } from '../model/index.ts';
import type { Access, AnyDistribution, Root, TraceContext, Tracer, TraceResult } from '../contract/index.ts';
import { activationsOf } from './activation.ts';
import { assemble } from './assemble.ts';
import { countAlike } from './count-alike.ts';
import { attribute, canonicalPaths, type Described } from './attribute.ts';
import { classify, impliedPaths, lockFiles, snapshotBefore } from './files.ts';
import type { Before } from './files/before.ts';
import { snapshotInside } from './files/before-inside.ts';
import { withListed } from './files/listed.ts';
import { linksToFolder } from './files/named-folder.ts';
import { keepUsed } from './files/used.ts';
import type { TraceRequest } from './trace-request.ts';
import { watch } from './watch.ts';

/** What a trace gives; serialisable. */
export interface Traced {
  readonly spec: Spec;
  readonly status: number;
  readonly summary: TraceSummary;
}

export interface TraceSummary {
  /** Files with an owner: of a run, those that it used and that can be compared. */
  readonly files: number;
  /** Whether everything that is installed was taken, used or not. */
  readonly whole: boolean;
  readonly milliseconds: number;
  /** One line a distribution. */
  readonly distributions: readonly string[];
  readonly loose: { readonly files: number; readonly size: number };
  readonly inputs: number;
  readonly outputs: number;
  readonly sockets: readonly string[];
  readonly notes: readonly Note[];
}

export interface TraceParts {
  readonly distributions: readonly AnyDistribution[];
  readonly tracer: Tracer;
}

/** Watches a command, or takes paths; finds whose files they are; writes down what that is. */
export async function trace(
  request: TraceRequest,
  parts: TraceParts,
  context: TraceContext,
  work: string,
): Promise<Traced> {
  const started = performance.now();
  const { root, run } = request;
  const before = run === undefined ? undefined : await lookBefore(request, run, work);
  const ran = run === undefined ? undefined : await watch(run, parts.tracer, context, work);
  const watched =
    ran === undefined || run?.stat !== true
      ? ran
      : await withListed(ran, root, [run.directory, ...(request.inputs ?? [])]);
  const seen = watched ?? (await lookedAt(request));
  request.onSeen?.(seen);
  context.onProgress({ step: 'trace', what: 'whose files these are' });
  const paths = await pathsOf(seen, root);
  const attributed = await attribute(
    [...paths, ...context.whole, ...(request.also ?? [])],
    root,
    parts.distributions,
    run === undefined || watched === undefined
      ? context
      : { ...context, ran: { env: run.env, directory: run.directory, programs: watched.programs } },
  );
  const files = classify(seen, attributed.owned, {
    directory: run?.directory ?? '/',
    inputs: request.inputs ?? [],
    outputs: request.outputs ?? [],
    except: request.except ?? [],
  });
  const options = {
    root,
    store: context.store,
    keep: context.keep,
    limits: request.limits ?? {},
    include: request.include ?? [],
  };
  const folder = run === undefined ? undefined : await linksToFolder(run, root);
  const links = (folder ?? []).filter((path) => !attributed.owned.has(path));
  const loose = await lockFiles([...files.loose, ...files.directories, ...links], options);
  const outputs = await lockFiles(files.outputs, { ...options, keep: false });
  const state = (await before?.locks({ inputs: files.inputs, outputs: files.outputs }, options)) ?? {
    inputs: [],
    before: [],
    notes: [],
  };
  const listed = await lockFiles(run === undefined ? [] : files.listed, { ...options, times: true });
  const used =
    run === undefined || !context.keep
      ? undefined
      : await keepUsed(
          {
            trace: seen,
            paths,
            owned: attributed.owned,
            cut: attributed.cut,
            volatile: volatileFor(attributed.described, parts),
          },
          root,
          context.store,
        );
  const { spec, notes } = await assemble({
    request,
    used,
    folder,
    watched,
    described: attributed.described,
    activationsOf: (one) => activationsOf(one, parts.distributions),
    loose: loose.files,
    outputs: outputs.files,
    inputs: state.inputs,
    before: [...state.before, ...listed.files].sort((a, b) => byBytes(a.path, b.path)),
  });
  return {
    spec,
    status: watched?.status ?? 0,
    summary: {
      files: used?.files ?? attributed.owned.size,
      whole: request.system === true,
      milliseconds: performance.now() - started,
      distributions: countAlike(attributed.described.map(({ summary }) => summary)),
      loose: {
        files: loose.files.filter(({ sha256 }) => sha256 !== undefined).length,
        size: loose.files.reduce((sum, { size }) => sum + (size ?? 0), 0),
      },
      inputs: files.inputs.length,
      outputs: files.outputs.length,
      sockets: watched?.sockets ?? [],
      notes: [
        ...(root.notes ?? []),
        ...seen.notes,
        ...attributed.notes,
        ...files.notes,
        ...notes,
        ...loose.notes,
        ...state.notes,
        ...outputs.notes,
      ],
    },
  };
}

/** What is there before the run, where it runs. */
async function lookBefore(
  request: TraceRequest,
  { directory, inside }: NonNullable<TraceRequest['run']>,
  work: string,
): Promise<Before> {
  const named = [...(request.inputs ?? []), ...(request.outputs ?? [])];
  const options = { work, limits: request.limits ?? {}, named };
  if (inside === undefined) return await snapshotBefore(directory, options);
  return await snapshotInside(request.root, directory, options);
}

/** What the distributions that were found leave out. */
function volatileFor(described: readonly Described[], { distributions }: TraceParts): readonly VolatilePath[] {
  return described.flatMap(
    ({ type, spec }) => distributions.find((plugin) => plugin.type === type)?.volatile?.(spec) ?? [],
  );
}

/** What is asked of the distributions: the files themselves, and the links by which they were reached. */
async function pathsOf(seen: TraceResult, root: Root): Promise<string[]> {
  const resolved: string[] = [];
  const asked: string[] = [];
  for (const access of seen.accesses) {
    if (access.foreign || access.directory || access.removed) continue;
    resolved.push(access.path);
    asked.push(...access.via);
  }
  const names = await canonicalPaths([...new Set(asked)], root);
  const paths = new Set([...resolved, ...names]);
  for (const path of impliedPaths(paths)) paths.add(path);
  return [...paths].sort(byBytes);
}

/** Paths that were named instead of watched, as if each had been read. */
async function lookedAt(request: TraceRequest): Promise<TraceResult> {
  const accesses: Access[] = [];
  const notes: Note[] = [];
  const plain = { read: true, written: false, executed: false, writtenFirst: false, removed: false, asked: false };
  const add = (path: string, via: readonly string[]) =>
    accesses.push({ ...plain, path, via, directory: false, foreign: false });
  const below = [...(request.paths ?? []), ...(request.system === true ? ['/usr/local', '/opt', '/srv'] : [])];
  const real = await request.root.realpath(below);
  for (const [index, path] of below.entries()) {
    const goal = real[index];
    if (goal === undefined) {
      if (index < (request.paths?.length ?? 0)) notes.push({ kind: 'unreadable', path, text: `${path} is not there` });
      continue;
    }
    if (goal !== path) add(goal, [path]);
    for await (const entry of request.root.scan({ below: [goal], digests: [] })) {
      if (entry.type === 'file' || entry.type === 'link') add(entry.path, []);
    }
  }
  return {
    status: 0,
    accesses: accesses.sort((a, b) => byBytes(a.path, b.path)),
    directories: [],
    programs: [],
    sockets: [],
    notes,
  };
}
