import { posix } from 'node:path';

import {
  byBytes,
  distributionId,
  notMadeYet,
  runId,
  UserError,
  type Argv,
  type ContentRef,
  type DistributionLock,
  type DistributionSpec,
  type FileLock,
  type Plan,
  type Spec,
  type Step,
} from '../model/index.ts';
import type { AnyDistribution } from '../contract/index.ts';
import { pluginFor } from './nested.ts';
import { startsOf } from './run-files.ts';

/** One distribution of a spec with its plug-in and its lock. */
export interface Part {
  readonly id: string;
  readonly spec: DistributionSpec;
  readonly lock: DistributionLock;
  readonly plugin: AnyDistribution;
}

/** What `prepare` made, by distribution id. */
export type Made = Readonly<Record<string, Readonly<Record<string, ContentRef>>>>;

/** The parts of an exact spec: the one that stands alone first, then the others, each after what it stands on. */
export function partsOf(spec: Spec, distributions: readonly AnyDistribution[]): readonly Part[] {
  const parts = spec.distributions.map((entry): Part => {
    const id = distributionId(entry);
    const plugin = pluginFor(entry, distributions);
    const lock = spec.lock?.distributions?.[id];
    if (plugin === undefined) throw new UserError(`unknown distribution "${entry.type}"`, { status: 2 });
    if (lock === undefined)
      throw new UserError(`${id} has no lock`, { status: 2, hint: 'repronim resolve FILE makes one' });
    return { id, spec: entry, lock, plugin };
  });
  const done = new Set<string>();
  const ordered: Part[] = [];
  const visit = (part: Part): void => {
    if (done.has(part.id)) return;
    done.add(part.id);
    const base = parts.find(({ id }) => id === part.spec.base);
    if (base !== undefined) visit(base);
    ordered.push(part);
  };
  const sorted = parts.toSorted((a, b) => byBytes(a.id, b.id));
  for (const part of sorted) if (part.plugin.bootstrap !== undefined) visit(part);
  for (const part of sorted) visit(part);
  return ordered;
}

/** The one part that lays the root. */
export function baseOf(parts: readonly Part[]): Part {
  const alone = parts.filter(({ plugin }) => plugin.bootstrap !== undefined);
  const [base] = alone;
  if (base === undefined) {
    throw new UserError('the spec has no distribution that stands alone, such as debian', {
      status: 2,
      hint: 'add one, e.g. "- type: debian" with its release',
    });
  }
  if (alone.length > 1) {
    throw new UserError(
      `the spec has several distributions that stand alone: ${alone.map(({ id }) => id).join(', ')}`,
      {
        status: 2,
      },
    );
  }
  return base;
}

/** The ordered steps that turn the laid root into the environment. Pure. */
export function planOf(spec: Spec, parts: readonly Part[], made: Made): Plan {
  const base = baseOf(parts);
  const listed = base.plugin.packages(base.spec, base.lock).length;
  const { accounts, distributions, customize, files } = stepsOf(spec, parts, made);
  const steps = [...accounts, ...distributions, ...customize, ...files];
  return {
    bootstrap: { id: base.id, type: base.plugin.type, summary: `${listed} packages of ${base.plugin.title}` },
    steps,
    contents: steps.flatMap((step) => {
      if (step.do === 'unpack') return step.archive === notMadeYet ? [] : [step.archive];
      return step.do === 'write' && typeof step.content !== 'string' ? [step.content] : [];
    }),
  };
}

/** The same, by what they are for, in the order in which they are done. */
export function stepsOf(
  spec: Spec,
  parts: readonly Part[],
  made: Made,
): Readonly<Record<'accounts' | 'distributions' | 'customize' | 'files', readonly Step[]>> {
  return {
    accounts: accountSteps(spec),
    distributions: parts.flatMap((part) => part.plugin.plan(part.spec, part.lock, made[part.id] ?? {})),
    customize: customizeSteps(spec),
    files: [
      ...(spec.lock?.files ?? []).flatMap((file) =>
        fileSteps(
          file,
          file.path,
          file.directory === true ? 'a folder that a run used' : 'a loose file that a run read',
        ),
      ),
      ...runSteps(spec),
    ],
  };
}

/** The base's locked packages, all of them, into a system of its kind that has packages of its own: those stay. */
export function installSteps({ plugin, spec, lock }: Part): readonly Step[] {
  const nothing = { ...lock, packages: [] };
  const steps = plugin.change?.({ spec, lock: nothing, made: {} }, { spec, lock, made: {} });
  if (steps !== undefined) return steps;
  throw new UserError(`${plugin.title} cannot be installed into an image`, { status: 4 });
}

/** The user's own steps: one step of the plan for each. */
function customizeSteps({ customize = [] }: Spec): readonly Step[] {
  return customize.map(({ run, file }, index): Step => {
    const because = customizeReason(index);
    if (run !== undefined) return { do: 'run', argv: run as Argv, because };
    if (file === undefined) throw new Error('a step of customize is neither run nor file');
    const { path, mode, content, sha256, size } = file;
    if (content === undefined && (sha256 === undefined || size === undefined)) {
      throw new UserError(`the content of ${path} is not known`, { status: 2, hint: `its source was not read` });
    }
    return {
      do: 'write',
      path,
      content: content ?? { sha256: sha256 ?? '', size: size ?? 0 },
      ...(mode === undefined ? {} : { mode }),
      because,
    };
  });
}

/** As verify and plans name what such a step makes; steps are counted from 1. */
function customizeReason(index: number): string {
  return `made by customize step ${index + 1}`;
}

function accountSteps(spec: Spec): Step[] {
  return Object.values(spec.lock?.runs ?? {}).flatMap(({ as }): Step[] => {
    if (as.uid === 0) return [];
    const name =
      posix
        .basename(as.home)
        .toLowerCase()
        .replace(/[^a-z0-9_-]/g, '') || 'user';
    const because = 'a run was this user';
    return [
      {
        do: 'account',
        name: /^[a-z_]/.test(name) ? name : `u${name}`,
        uid: as.uid,
        gid: as.gid,
        home: as.home,
        because,
      },
      { do: 'directory', path: as.home, mode: '0755', uid: as.uid, gid: as.gid, because: 'the home of a run' },
    ];
  });
}

/** Where runs work, and what lay there before they ran. */
function runSteps(spec: Spec): Step[] {
  const starts = startsOf(spec);
  // what is known of a folder, its mode first of all, stands there
  const known = new Set((spec.lock?.files ?? []).map(({ path }) => path));
  return (spec.runs ?? []).flatMap((run, index): Step[] => {
    const lock = spec.lock?.runs?.[runId(run, index)];
    const owner = { uid: lock?.as.uid ?? 0, gid: lock?.as.gid ?? 0 };
    const directory = run.directory ?? '/';
    const folder: Step = { do: 'directory', path: directory, ...owner, because: 'a run works here' };
    const isNew = !known.has(directory);
    known.add(directory);
    return [
      ...(isNew ? [folder] : []),
      ...(starts[index]?.own ?? []).flatMap((file) => fileSteps(file, file.path, 'a run started with it')),
    ];
  });
}

/** What an earlier run would have made for this one, for where that is not run. */
export function stepsBeforeRun(spec: Spec, index: number): readonly Step[] {
  const because = 'an earlier run made it';
  return (startsOf(spec)[index]?.made ?? []).flatMap((file) => fileSteps(file, file.path, because));
}

function fileSteps(file: FileLock, path: string, because: string): Step[] {
  const owner = { uid: file.uid ?? 0, gid: file.gid ?? 0 };
  const mode = file.mode === undefined ? {} : { mode: file.mode };
  if (file.left !== undefined) return [];
  if (file.link !== undefined) return [{ do: 'link', path, target: file.link, because }];
  const mtime = file.mtime === undefined ? {} : { mtime: file.mtime };
  if (file.directory === true) return [{ do: 'directory', path, ...mode, ...owner, ...mtime, because }];
  if (file.sha256 === undefined || file.size === undefined) return [];
  return [
    { do: 'write', path, content: { sha256: file.sha256, size: file.size }, ...mode, ...owner, ...mtime, because },
  ];
}
