import { runId, UserError, type Spec } from '../model/index.ts';
import { refuseStale } from '../formats/spec/lock.ts';
import { writeSpec } from '../formats/spec/write.ts';
import { readUsed } from './files/used.ts';
import type { House } from './house.ts';
import { load } from './load.ts';
import { addTraced } from './merge.ts';

/** A spec that a run is added to. */
export interface HeldSpec {
  /** Files of distributions that its runs used: described again, together with what the new run uses. */
  readonly used: readonly string[];
  /** The spec with what was traced, and its text: comments and order of what did not change stay. */
  add(traced: Spec): { readonly spec: Spec; readonly text: string };
}

/** Reads it, before anything is run. Throws UserError 2 where it can't be added to. */
export async function holdSpec(file: string, house: House): Promise<HeldSpec> {
  const { spec, document, ...loaded } = await load(file, house);
  refuseStale(spec, { ...loaded, document });
  if (loaded.derived !== undefined) {
    throw new UserError(`${file} is on top of another spec: what was traced cannot be added to it`, {
      status: 2,
      hint: 'trace it into a spec of its own: -o FILE',
    });
  }
  const lists = await Promise.all(
    (spec.runs ?? []).map((run, index) => readUsed(spec.lock?.runs?.[runId(run, index)]?.used, house.store)),
  );
  const whole = lists.length > 0 && lists.every((list) => list !== undefined);
  const { distributions } = house;
  return {
    used: lists.flatMap((list) => (list ?? []).map(({ path }) => path)),
    add(traced) {
      const united = addTraced(spec, traced, { distributions, file, whole });
      return { spec: united, text: writeSpec(united, { distributions, onto: document }) };
    },
  };
}
