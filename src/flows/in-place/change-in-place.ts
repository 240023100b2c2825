import type { Spec, Step } from '../../model/index.ts';
import type { CreateContext, Session } from '../../contract/index.ts';
import { applySteps } from '../apply.ts';
import { changedIds } from '../change/changed-ids.ts';
import { obtainAll } from '../create/obtain.ts';
import { createContextOf, withWork } from '../create-context.ts';
import type { House } from '../house.ts';
import { baseOf, partsOf, type Part } from '../plan.ts';
import { compareBase, systemLine, systemSteps } from './compare-base.ts';
import { refuseSystem, type InPlaceOptions } from './create-in-place.ts';
import { lay, madeOf, planLaying, refuseInTheWay, type Laying, type MadePath } from './lay.ts';
import { keepReplaced } from './replaced.ts';
import { readMade, takeAway, writeMade } from './take-back.ts';

export interface ChangeInPlaceRequest {
  readonly name: string;
  /** As people know the place: `this machine`. */
  readonly label: string;
  readonly from: Spec;
  /** What it was being turned into, where that was interrupted. */
  readonly between: readonly Spec[];
  readonly to: Spec;
  readonly options: InPlaceOptions;
  /** The instance's own folder. */
  readonly folder: string;
}

/**
 * Turns what a spec has laid over a place that was there before into what another one lays: what both have stays, what
 * only the old one had goes, and what it had replaced comes back. The system itself is only added to, where that is allowed.
 * `begin` is called when everything is there that is needed, before the first thing is changed.
 */
export async function changeInPlace(
  request: ChangeInPlaceRequest,
  session: Session,
  house: House,
  begin: () => Promise<void>,
): Promise<readonly Step[]> {
  const { name, from, to, options, folder } = request;
  return await withWork(house, async (work) => {
    const context = createContextOf(house, work, true);
    const [old, now] = [partsOf(from, house.distributions), partsOf(to, house.distributions)];
    const system = await systemChanges({ request, old: baseOf(old), now: baseOf(now) }, session, context);
    const states = [from, ...request.between];
    const due = new Set(states.flatMap((state) => changedIds(state, to)));
    const isDue = ({ id, plugin }: Part) => due.has(id) && plugin.bootstrap === undefined;
    const before = new Set<string>();
    for (const state of states) {
      const gone = await laidBy(partsOf(state, house.distributions).filter(isDue), context);
      const { wanted } = await planLaying(gone, session, house.store, () => false);
      for (const path of wanted) before.add(path);
    }
    const steps = await laidBy(now.filter(isDue), context);
    const made = readMade(folder) ?? [];
    const ours = new Map(made.map((one) => [one.path, one]));
    const laying = await planLaying(steps, session, house.store, (path) => ours.has(path) || options.force);
    refuseInTheWay(laying, name);
    const left = made.filter(({ path }) => before.has(path) && !laying.wanted.has(path));
    const fresh = laying.replaced.filter(({ path }) => !ours.has(path)).map(({ path }) => path);
    await begin();
    await keepReplaced(folder, fresh, session);
    const all = united(made, laying);
    await writeMade(folder, [...all.values()]);
    await applySteps(system, session, house.store, () => {});
    const stays = new Set(await takeAway(folder, left, session, false));
    await lay(steps, laying, session, house.store);
    for (const { path } of left) if (!stays.has(path)) all.delete(path);
    await writeMade(folder, [...all.values()]);
    return [...system, ...steps];
  });
}

/** By path: of what was ours before, it is as before whether something else had been there. */
function united(made: readonly MadePath[], laying: Laying): Map<string, MadePath> {
  const all = new Map(made.map((one) => [one.path, one]));
  for (const one of madeOf(laying)) {
    const was = all.get(one.path);
    const { replaced: _, ...plain } = one;
    if (was === undefined) all.set(one.path, one);
    else all.set(one.path, { ...plain, ...(was.replaced === true ? { replaced: true } : {}) });
  }
  return all;
}

/** Only what lays files: nothing of a distribution is run in a place that is not ours. */
async function laidBy(parts: readonly Part[], context: CreateContext): Promise<readonly Step[]> {
  const { made } = await obtainAll(parts, context);
  const steps = parts.flatMap(({ id, plugin, spec, lock }) => plugin.plan(spec, lock, made[id] ?? {}));
  return steps.filter(({ do: what }) => what !== 'run' && what !== 'remove' && what !== 'account');
}

/** What is to be done to the system for the packages that the new spec has and the old one had not, or another version of. */
async function systemChanges(
  { request, old, now }: { readonly request: ChangeInPlaceRequest; readonly old: Part; readonly now: Part },
  session: Session,
  context: CreateContext,
): Promise<readonly Step[]> {
  const versionsOf = ({ plugin, spec, lock }: Part) =>
    new Map(plugin.packages(spec, lock).map(({ key, version }) => [key, version]));
  const [had, has] = [versionsOf(old), versionsOf(now)];
  const stays = [...had.keys()].filter((key) => !has.has(key));
  if (stays.length > 0) {
    const finished = `the system keeps ${stays.join(', ')}: its own packages are never taken out`;
    context.onProgress({ step: 'change', finished });
  }
  const differing = await compareBase(now, session.root, context);
  const due = differing.filter(({ key, version }) => had.get(key) !== version);
  await refuseSystem({ ...request, what: 'change' }, due.map(systemLine), [], session);
  return due.length === 0 ? [] : await systemSteps(now, due, context);
}
