import { distributionId, UserError, type DistributionLock, type DistributionSpec, type Spec } from '../model/index.ts';
import { bindLock, lockState } from '../formats/spec/lock.ts';
import { createContextOf, withWork } from './create-context.ts';
import { withBase } from './default-base.ts';
import type { House } from './house.ts';
import { pluginFor } from './nested.ts';

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
    const pluginOf = (entry: DistributionSpec | undefined) => pluginFor(entry, house.distributions);
    const standsAlone = (entry: DistributionSpec) => pluginOf(entry)?.bootstrap !== undefined;
    const packagesOfBase = (entry: DistributionSpec) => {
      const base = spec.distributions.find((one) =>
        entry.base === undefined ? standsAlone(one) : distributionId(one) === entry.base,
      );
      if (base === undefined || base === entry) return {};
      const lock = locks[distributionId(base)] ?? spec.lock?.distributions?.[distributionId(base)];
      return { base: pluginOf(base)?.packages(base, lock) ?? [] };
    };
    const entries = [...due].map(([id, renew]) => ({
      id,
      renew,
      entry: spec.distributions.find((one) => distributionId(one) === id),
    }));
    // what others stand on comes first
    const depth = ({ entry }: (typeof entries)[number]) => (entry === undefined || standsAlone(entry) ? 0 : 1);
    for (const { id, renew, entry } of entries.toSorted((a, b) => depth(a) - depth(b))) {
      const plugin = pluginOf(entry);
      if (entry === undefined || plugin === undefined) continue;
      if (plugin.resolve === undefined) {
        throw new UserError(`${id} has no lock, and ${plugin.title} cannot be resolved from a description`, {
          status: 2,
          hint: `trace where it is: repronim trace --path …`,
        });
      }
      locks[id] = await plugin.resolve(
        entry,
        spec.lock?.distributions?.[id],
        { ...context, ...packagesOfBase(entry) },
        renew,
      );
    }
    return bindLock(spec, { distributions: locks });
  });
}
