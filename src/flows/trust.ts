import { byBytes } from '../model/index.ts';
import { createContextOf } from './create-context.ts';
import type { House } from './house.ts';
import type { Loaded } from './load.ts';
import { partsOf } from './plan.ts';

/** Who vouches for the packages of a spec that came from elsewhere. */
export interface TrustSummary {
  readonly packages: number;
  readonly byMachine: number;
  readonly byBundle: number;
  /** Keys of packages that nobody vouches for, sorted. */
  readonly byNobody: readonly string[];
  /** Why nobody does, in a few words. */
  readonly because?: string;
}

/** Asks every distribution of a spec who vouches for its packages. What cannot say is vouched for by nobody. */
export async function trustOf(loaded: Loaded, house: House, work: string): Promise<TrustSummary> {
  const context = createContextOf(house, work, false);
  let [packages, byMachine, byBundle] = [0, 0, 0];
  const byNobody: string[] = [];
  const reasons = new Set<string>();
  for (const { plugin, spec, lock } of partsOf(loaded.spec, house.distributions)) {
    if (plugin.trust === undefined) continue;
    const trust = await plugin.trust(spec, lock, context);
    packages += trust.packages;
    byMachine += trust.byMachine;
    byBundle += trust.byBundle;
    byNobody.push(...trust.byNobody);
    if (trust.because !== undefined) reasons.add(trust.because);
  }
  const because = reasons.size === 0 ? {} : { because: [...reasons].join('; ') };
  return { packages, byMachine, byBundle, byNobody: byNobody.sort(byBytes), ...because };
}
