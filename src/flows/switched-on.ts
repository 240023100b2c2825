import { applyChanges, type EnvironmentChange } from '../model/index.ts';
import { changesOf, type Activations } from './activation.ts';

/** Which distributions were switched on for a run, in order, and what has to be written down beside that. */
export interface SwitchedOn {
  readonly with: readonly string[];
  readonly environment: Variables;
}

type Variables = Readonly<Record<string, string>>;

/**
 * The distributions that were on when a run started, told by its variables, and what is left of these once such a
 * distribution sets its own again. `PATH` always stays: its order is the run's. Only what comes out with the very same
 * value is left out, and a distribution that would change anything else does not count as switched on. `env` is all
 * that the run had, `kept` what of it is to stand in the spec.
 */
export function switchedOn(env: Variables, kept: Variables, activations: Activations): SwitchedOn {
  const all = inOrder(
    Object.keys(activations).filter((id) => wasOn(env, activations[id] ?? [])),
    env,
    activations,
  );
  // where they get into each other's way, those that don't
  const choices = [all, ...all.map((id) => all.filter((other) => other !== id)), ...all.map((id) => [id])];
  for (const ids of choices) {
    const found = again(ids, env, kept, activations);
    if (found === undefined) continue;
    const useful = ids.filter((id) =>
      activations[id]?.some(({ name }) => Object.hasOwn(kept, name) && !Object.hasOwn(found.environment, name)),
    );
    const fewer = useful.length === ids.length ? found : again(useful, env, kept, activations);
    if (fewer !== undefined && fewer.with.length > 0) return fewer;
  }
  return { with: [], environment: kept };
}

/** What is left to write down where these are on; undefined where they don't give what the run had. */
function again(
  ids: readonly string[],
  env: Variables,
  kept: Variables,
  activations: Activations,
): SwitchedOn | undefined {
  const changes = changesOf(ids, activations);
  const touched = [...new Set(changes.map(({ name }) => name))];
  const without = (names: readonly string[]): Variables =>
    Object.fromEntries(Object.entries(kept).filter(([name]) => name === 'PATH' || !names.includes(name)));
  const wrong = (environment: Variables) => {
    const is = applyChanges(environment, changes);
    return touched.filter((name) => is[name] !== env[name]);
  };
  const more = wrong(without(touched));
  const environment = without(touched.filter((name) => !more.includes(name)));
  return wrong(environment).length === 0 ? { with: ids, environment } : undefined;
}

/** Whether all that switching it on does is done, and there is a variable by which that can be told. */
function wasOn(env: Variables, changes: readonly EnvironmentChange[]): boolean {
  return (
    changes.some((change) => change.do === 'set') &&
    changes.every((change) => {
      const is = env[change.name];
      if (change.do === 'unset') return is === undefined;
      // what was set may have been gone on from: it is a part then
      return is === change.value || is?.split(':').includes(change.value) === true;
    })
  );
}

/** What was switched on last stands first in `PATH`. */
function inOrder(ids: readonly string[], env: Variables, activations: Activations): readonly string[] {
  const path = env['PATH']?.split(':') ?? [];
  const place = (id: string): number =>
    (activations[id] ?? []).reduce(
      (first, change) =>
        change.do === 'prepend' && change.name === 'PATH' ? Math.min(first, path.indexOf(change.value)) : first,
      path.length,
    );
  return ids.toSorted((a, b) => place(b) - place(a));
}
