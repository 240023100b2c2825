import { distributionId, UserError, type DistributionLock, type Spec } from '../model/index.ts';
import { bindLock, lockState } from '../formats/spec/lock.ts';
import { createContextOf, withWork } from './create-context.ts';
import { withBase } from './default-base.ts';
import type { House } from './house.ts';

export interface ResolveRequest {
  readonly spec: Spec;
  /** `stale`: entries whose lock is not theirs any more are resolved as well; without it they are an error elsewhere. */
  readonly entries: 'unlocked' | 'stale';
  /** Packages whose locked version is not held; `true`: none is held. */
  readonly renew: true | readonly string[];
}

/**
 * A spec with a lock for every distribution: what is held and still satisfies stays. One that has overlays only gets a
 * base first (`addedBase` tells it apart).
 */
export async function resolve(request: ResolveRequest, house: House): Promise<Spec> {
  const spec = await withBase(request.spec, house);
  const states = lockState(spec).filter(({ kind }) => kind === 'distribution');
  const renewing = request.renew === true || request.renew.length > 0;
  const due = states.filter(
    ({ state }) => state === 'unlocked' || (state === 'stale' && request.entries === 'stale') || renewing,
  );
  if (due.length === 0) return spec;
  return await resolveEntries(spec, new Map(due.map(({ id }) => [id, request.renew])), house);
}

/** A spec with fresh locks of these distributions, each with the packages whose locked version is not held. */
export async function resolveEntries(
  spec: Spec,
  due: ReadonlyMap<string, ResolveRequest['renew']>,
  house: House,
): Promise<Spec> {
  return await withWork(house, async (work) => {
    const context = createContextOf(house, work, false);
    const locks: Record<string, Omit<DistributionLock, 'of'>> = {};
    for (const [id, renew] of due) {
      const entry = spec.distributions.find((one) => distributionId(one) === id);
      const plugin = house.distributions.find(({ type }) => type === entry?.type);
      if (entry === undefined || plugin === undefined) continue;
      if (plugin.resolve === undefined) {
        throw new UserError(`${id} has no lock, and ${plugin.title} cannot be resolved from a description`, {
          status: 2,
          hint: `trace where it is: repronim trace --path …`,
        });
      }
      locks[id] = await plugin.resolve(entry, spec.lock?.distributions?.[id], context, renew);
    }
    return bindLock(spec, { distributions: locks });
  });
}
