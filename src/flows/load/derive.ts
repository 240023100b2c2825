import {
  byBytes,
  distributionId,
  UserError,
  type Digest,
  type DistributionLock,
  type Spec,
} from '../../model/index.ts';
import { checkIds } from '../../formats/spec/ids.ts';

/**
 * A spec on top of another one, as one that stands for itself: what the base has comes first, and what the spec names by
 * the same id or path replaces it. Runs are the spec's own. `digest` is what the base comes to.
 */
export function derive(own: Spec, base: Spec, digest: Digest, file: string): Spec {
  const { from: _, ...rest } = own;
  const replaced = new Set(own.distributions.map(distributionId));
  const distributions = [
    ...base.distributions.filter((entry) => !replaced.has(distributionId(entry))),
    ...own.distributions,
  ];
  const ids = new Set(distributions.map(distributionId));
  const locks: Record<string, DistributionLock> = { ...base.lock?.distributions, ...own.lock?.distributions };
  const files = new Map([...(base.lock?.files ?? []), ...(own.lock?.files ?? [])].map((one) => [one.path, one]));
  const named = [...new Set([...(base.files ?? []), ...(own.files ?? [])])].sort(byBytes);
  const environment = { ...base.environment, ...own.environment };
  const customize = [...(base.customize ?? []), ...(own.customize ?? [])];
  const merged: Spec = {
    ...rest,
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    distributions,
    ...(customize.length === 0 ? {} : { customize }),
    ...(named.length === 0 ? {} : { files: named }),
    lock: {
      ...own.lock,
      from: digest,
      distributions: Object.fromEntries(Object.entries(locks).filter(([id]) => ids.has(id))),
      ...(files.size === 0 ? {} : { files: [...files.values()].sort((a, b) => byBytes(a.path, b.path)) }),
    },
  };
  const faults: string[] = [];
  checkIds(merged, (_path, message, hint) => faults.push(hint === undefined ? message : `${message} (${hint})`));
  if (faults.length > 0) throw new UserError(`${file}: ${faults[0]}`, { status: 2, details: faults.slice(1) });
  return merged;
}

/** What of a merged spec is written into the file that it was read from: less what it has from its base. */
export function ownPart(merged: Spec, own: Spec, base: Spec): Spec {
  const inherited = new Set(base.distributions.map(distributionId));
  for (const entry of own.distributions) inherited.delete(distributionId(entry));
  const isOwn = (id: string) => !inherited.has(id);
  const { files: _, distributions: locks = {}, ...lock } = merged.lock ?? {};
  const kept = Object.entries(locks).filter(([id]) => isOwn(id));
  return {
    ...own,
    distributions: merged.distributions.filter((entry) => isOwn(distributionId(entry))),
    lock: {
      ...lock,
      ...(kept.length === 0 ? {} : { distributions: Object.fromEntries(kept) }),
      ...(own.lock?.files === undefined ? {} : { files: own.lock.files }),
    },
  };
}
