import { distributionId, type Note, type Spec } from '../model/index.ts';
import type { AnyDistribution } from '../contract/index.ts';

/** What an environment of this spec will not have, as its distributions say: for those who did not trace it themselves. */
export function lacksOf(spec: Spec | undefined, distributions: readonly AnyDistribution[]): readonly Note[] {
  return (spec?.distributions ?? []).flatMap((entry) => {
    const lock = spec?.lock?.distributions?.[distributionId(entry)];
    const plugin = distributions.find(({ type }) => type === entry.type);
    return lock === undefined ? [] : (plugin?.lacks?.(entry, lock) ?? []);
  });
}
