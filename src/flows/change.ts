import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import {
  distributionId,
  UserError,
  volatileMatcher,
  volatilePaths,
  type ContentRef,
  type Differences,
  type Spec,
  type Step,
} from '../model/index.ts';
import type { CreateContext, Exact } from '../contract/index.ts';
import type { InstanceValue } from '../inventory/inventory.ts';
import type { Claim } from '../inventory/shelf.ts';
import { readSpec } from '../formats/spec/read.ts';
import { writeSpec } from '../formats/spec/write.ts';
import { applySteps } from './apply.ts';
import { attach, attachClaimed, isInPlace } from './attach.ts';
import { enteredAs } from './create.ts';
import { obtainAll } from './create/obtain.ts';
import { changedIds } from './change/changed-ids.ts';
import { keepTouched, lookBefore, touchedSince } from './change/touched.ts';
import { withoutReplaced } from './change/used.ts';
import { targetsOf, type Asked, type Target } from './change/words.ts';
import { createContextOf, withWork } from './create-context.ts';
import { diff } from './diff.ts';
import { volatileOf } from './fingerprint.ts';
import { contextOf, type House } from './house.ts';
import { changeInPlace } from './in-place/change-in-place.ts';
import type { InPlaceOptions } from './in-place/create-in-place.ts';
import { loadStored } from './load.ts';
import { partsOf, type Part } from './plan.ts';
import { resolveEntries } from './resolve.ts';

/** What a live environment would be turned into. */
export interface Change {
  readonly name: string;
  /** The sha256 of the spec that it has. */
  readonly of: string | undefined;
  readonly from: Spec;
  readonly to: Spec;
  /** How the two differ. */
  readonly differences: Differences;
  /** Ids of the distributions that change. */
  readonly ids: readonly string[];
}

/** What is asked for, as the spec that the environment would then have. Nothing is changed or fetched but lists. */
export async function planChange(name: string, asked: Asked, house: House): Promise<Change> {
  const { record } = await attach(name, house);
  const from = await loadStored(name, record.spec, house);
  const targets = targetsOf(asked, from, house.distributions);
  const edited = edit(from, targets, name, house);
  const to = await resolveEntries(edited, new Map(targets.map(({ id, renew }) => [id, renew])), house);
  const differences = await diff(
    { label: 'now', spec: from },
    { label: 'then', spec: to },
    { distributions: house.distributions, context: contextOf(house) },
  );
  return { name, of: record.spec, from, to, differences, ids: targets.map(({ id }) => id) };
}

/** The spec with these entries edited, as strictly checked as one that was written by hand. */
function edit(spec: Spec, targets: readonly Target[], name: string, house: House): Spec {
  const distributions = spec.distributions.map((entry) => {
    const target = targets.find(({ id }) => id === distributionId(entry));
    return target === undefined ? entry : (target.plugin.edit?.(entry, target.edit) ?? entry);
  });
  const text = writeSpec({ ...spec, distributions }, house);
  return readSpec(text, { file: `${name}'s spec`, distributions: house.distributions }).spec;
}

/**
 * Turns a live environment into what was planned. Everything that is needed is obtained first; from then on the
 * inventory says what it is being turned into, until it is that.
 */
export async function applyChange(
  change: Change,
  house: House,
  inPlace: InPlaceOptions = { allowSystem: false, force: false },
): Promise<{ readonly steps: readonly Step[] }> {
  const { name, from, to } = change;
  await using claim = await house.inventory.instances.claim(name);
  const { value } = claim.held;
  if (claim.held.status !== 'made' || value === undefined) throw new UserError(`${name} cannot be used any more`);
  if (value.spec !== change.of) {
    throw new UserError(`${name} was changed by another repronim meanwhile`, { hint: 'do it again' });
  }
  if (isInPlace(value)) return await changeWhatWasThere(change, claim, inPlace, house);
  return await withWork(house, async (work) => {
    const context = createContextOf(house, work, value.confinement.level === 'trusted');
    // what was interrupted may have left some of what it was on the way to
    const between = value.becoming === undefined ? [] : [await loadStored(name, value.becoming, house)];
    const { steps, contents } = await obtainChange(change, [...between, from], context, house);
    const source = await house.store.add(Buffer.from(writeSpec(to, house)));
    const { instance, current, record } = await attachClaimed(claim, house);
    await using session = await instance.session();
    const own = [from, to].flatMap((spec) => volatileOf(spec, house.distributions));
    const volatile = volatileMatcher([...volatilePaths, ...own]);
    const looked = join(claim.folder, 'before-change');
    const before = await lookBefore(looked, between.length > 0, session.root, volatile, house.signal);
    await record({ becoming: source.sha256 });
    await applySteps(steps, session, house.store, () => {});
    const touched = await touchedSince(before, session.root, volatile, house.signal);
    const settled = await withoutReplaced(to, touched, house.store);
    const final = await house.store.add(Buffer.from(writeSpec(settled, house)));
    const { becoming: _, ...rest } = current();
    await claim.commit({
      ...rest,
      spec: final.sha256,
      entered: enteredAs(settled, house.distributions),
      changed: {
        paths: await keepTouched(touched, value.changed?.paths, house.store),
        contents: [...new Set([...(value.changed?.contents ?? []), ...contents.map(({ sha256 }) => sha256)])].sort(),
      },
    });
    await rm(looked, { force: true });
    return { steps };
  });
}

/** The same of a place that had been there before. */
async function changeWhatWasThere(
  { name, from, to }: Change,
  claim: Claim<InstanceValue>,
  options: InPlaceOptions,
  house: House,
): Promise<{ readonly steps: readonly Step[] }> {
  const source = await house.store.add(Buffer.from(writeSpec(to, house)));
  const { instance, current, record } = await attachClaimed(claim, house);
  await using session = await instance.session();
  const { folder } = claim;
  const { becoming: half } = current();
  const between = half === undefined ? [] : [await loadStored(name, half, house)];
  const request = { name, label: session.root.label, from, between, to, options, folder };
  const begin = async () => await record({ becoming: source.sha256 });
  const steps = await changeInPlace(request, session, house, begin);
  const { becoming: _, ...rest } = current();
  await claim.commit({ ...rest, spec: source.sha256, entered: enteredAs(to, house.distributions) });
  return { steps };
}

/** The steps, with everything that they name in the store. */
async function obtainChange(
  { to, ids }: Change,
  states: readonly Spec[],
  context: CreateContext,
  house: House,
): Promise<{ readonly steps: readonly Step[]; readonly contents: readonly ContentRef[] }> {
  const old = states.map((state) => new Map(partsOf(state, house.distributions).map((part) => [part.id, part])));
  const due = new Set([...ids, ...changedIds(states[0], to)]);
  const parts = partsOf(to, house.distributions).filter(({ id }) => due.has(id));
  const { made } = await obtainAll(parts, context);
  const steps: Step[] = [];
  for (const part of parts) {
    for (const state of old) {
      const was = state.get(part.id);
      if (was !== undefined) steps.push(...(await stepsOf(was, part, made[part.id] ?? {}, context)));
    }
  }
  const contents = parts.flatMap(({ plugin, spec, lock }) => {
    const { kept, archived } = plugin.contents(spec, lock);
    return [...kept, ...archived];
  });
  return { steps, contents };
}

async function stepsOf(
  was: Part,
  part: Part,
  made: Readonly<Record<string, ContentRef>>,
  context: CreateContext,
): Promise<readonly Step[]> {
  const { plugin } = part;
  const { made: more = {}, ...others } = (await plugin.prepareChange?.(was, part, context)) ?? {};
  const from: Exact<Part['spec'], Part['lock']> = { spec: was.spec, lock: was.lock, made: {} };
  const to = { spec: part.spec, lock: part.lock, made: { ...made, ...more }, ...others };
  return plugin.change?.(from, to) ?? [];
}
