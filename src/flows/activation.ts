import {
  applyChanges,
  distributionId,
  UserError,
  type EnvironmentChange,
  type Run,
  type Spec,
} from '../model/index.ts';
import { pluginFor } from './nested.ts';
import type { AnyDistribution } from '../contract/index.ts';

/** What switching on a distribution changes, by the id of each distribution; nothing of those that change nothing. */
export type Activations = Readonly<Record<string, readonly EnvironmentChange[]>>;

/** Asks every distribution of a spec what it wants set. */
export function activationsOf(
  spec: Pick<Spec, 'distributions' | 'lock'>,
  distributions: readonly AnyDistribution[],
): Activations {
  const found: Record<string, readonly EnvironmentChange[]> = {};
  for (const entry of spec.distributions) {
    const id = distributionId(entry);
    const plugin = pluginFor(entry, distributions);
    found[id] = plugin?.activate?.(entry, spec.lock?.distributions?.[id]) ?? [];
  }
  return found;
}

/**
 * Which are active for a run where nobody says it: those that it names; where it names none, none if the traced PATH
 * tells already what comes first, else all that the spec has, each after what it stands on.
 */
export function activeFor(spec: Spec, run: Run | undefined, activations: Activations): readonly string[] {
  if (run?.with !== undefined) return run.with;
  if (environmentOf(spec, run)['PATH'] !== undefined) return [];
  const bases = new Map(spec.distributions.map((entry) => [distributionId(entry), entry.base]));
  const depth = (id: string): number => {
    let steps = 0;
    for (let at = bases.get(id); at !== undefined && steps < bases.size; at = bases.get(at)) steps += 1;
    return steps;
  };
  return [...bases.keys()].filter((id) => (activations[id]?.length ?? 0) > 0).toSorted((a, b) => depth(a) - depth(b));
}

/** The variables of a run: what all runs share, and what is its own. */
export function environmentOf(spec: Spec, run: Run | undefined): Readonly<Record<string, string>> {
  return { ...spec.environment, ...run?.environment };
}

/** What these change, in order. Throws UserError 2 for an id that is none. */
export function changesOf(ids: readonly string[], activations: Activations): readonly EnvironmentChange[] {
  return ids.flatMap((id) => {
    const changes = Object.hasOwn(activations, id) ? activations[id] : undefined;
    if (changes !== undefined) return changes;
    const known = Object.keys(activations);
    throw new UserError(`there is no distribution ${id} to be active`, {
      status: 2,
      hint:
        known.length === 0
          ? 'nothing is known of its distributions: create it again'
          : `there are: ${known.join(', ')}`,
    });
  });
}

/** An environment with these switched on, in order. Throws UserError 2 for an id that is none. */
export function withActive(
  env: Readonly<Record<string, string>>,
  ids: readonly string[],
  activations: Activations,
): Record<string, string> {
  return applyChanges(env, changesOf(ids, activations));
}
