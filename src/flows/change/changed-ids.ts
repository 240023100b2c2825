import { digestOf, distributionId, type Spec } from '../../model/index.ts';

/** Distributions that are another in one of two specs, or only in one. */
export function changedIds(one: Spec | undefined, other: Spec): readonly string[] {
  const ids = new Set([...(one?.distributions ?? []), ...other.distributions].map(distributionId));
  return [...ids].filter(
    (id) => digestOf(one?.lock?.distributions?.[id]) !== digestOf(other.lock?.distributions?.[id]),
  );
}
