import { distributionId, runId, type Run, type RunLock, type Spec } from '../../model/index.ts';
import { environmentOf, withActive, type Activations } from '../activation.ts';
import { switchedOn, type SwitchedOn } from '../switched-on.ts';

export interface MergedRuns {
  readonly list: readonly Run[];
  readonly environment: Readonly<Record<string, string>>;
  readonly locks: Readonly<Record<string, RunLock>>;
}

type Parts = Pick<Spec, 'distributions' | 'lock'>;

/**
 * The runs in order; the variables that all of them share are the spec's, others those of the runs that have them. Each
 * run has the very environment that it had, also where a distribution that is on for it now sets more.
 */
export function mergeRuns(
  [held, traced]: readonly [Spec, Spec],
  activationsIn: (spec: Parts) => Activations,
  united: Parts,
): MergedRuns {
  const before = held.runs ?? [];
  const [run] = traced.runs ?? [];
  if (run === undefined) return { list: before, environment: held.environment ?? {}, locks: held.lock?.runs ?? {} };
  const now = activationsIn(united);
  const was = activationsIn(held);
  const all = [...before.map((one) => stated(held, one, was, now)), stated(traced, run, activationsIn(traced), now)];
  const shared = before.length === 0 ? (held.environment ?? {}) : commonOf(all.map(({ environment }) => environment));
  const list = [...before, withId(run, before)].map((one, index): Run => {
    const { environment = {}, with: on } = all[index] ?? {};
    const own = Object.entries(environment).filter(([name, value]) => shared[name] !== value);
    const { environment: _, with: __, ...rest } = one;
    return {
      ...rest,
      ...(on === undefined ? {} : { with: on }),
      ...(own.length === 0 ? {} : { environment: Object.fromEntries(own) }),
    };
  });
  const lock = traced.lock?.runs?.[runId(run, 0)];
  const id = runId(list[before.length] ?? run, before.length);
  return { list, environment: shared, locks: { ...held.lock?.runs, ...(lock === undefined ? {} : { [id]: lock }) } };
}

/** What was traced, with the ids that its distributions have in the united spec. */
export function renamedIn(traced: Spec, ids: ReadonlyMap<string, string>): Spec {
  const nameOf = (id: string) => ids.get(id) ?? id;
  const locks = Object.entries(traced.lock?.distributions ?? {});
  return {
    ...traced,
    ...(traced.runs === undefined
      ? {}
      : { runs: traced.runs.map((run) => (run.with === undefined ? run : { ...run, with: run.with.map(nameOf) })) }),
    distributions: traced.distributions.map((entry) => ({ ...entry, id: nameOf(distributionId(entry)) })),
    lock: { ...traced.lock, distributions: Object.fromEntries(locks.map(([id, lock]) => [nameOf(id), lock])) },
  };
}

/** What a run has of variables, and what is on for it, in the united spec. */
function stated(spec: Spec, run: Run, was: Activations, now: Activations): Partial<SwitchedOn> {
  const environment = environmentOf(spec, run);
  if (run.with === undefined) return { environment };
  const whole = withActive(environment, run.with, was);
  if (same(whole, withActive(environment, run.with, now))) return { environment, with: run.with };
  const again = switchedOn(whole, whole, now);
  return again.with.length === 0 ? { environment: whole } : again;
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function commonOf(all: readonly (Readonly<Record<string, string>> | undefined)[]): Readonly<Record<string, string>> {
  const [first = {}, ...others] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other?.[name] === value)),
  );
}

function withId(run: Run, before: readonly Run[]): Run {
  const taken = new Set(before.map(runId));
  if (!taken.has(runId(run, before.length))) return run;
  let number = before.length + 1;
  while (taken.has(`run-${number}`)) number += 1;
  return { id: `run-${number}`, ...run };
}
