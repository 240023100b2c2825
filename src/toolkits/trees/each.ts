import {
  byBytes,
  type ContentRef,
  type DistributionLock,
  type DistributionSpec,
  type Note,
} from '../../model/index.ts';
import type { Context, Description, Distribution, Root, TraceContext } from '../../contract/index.ts';

/** What was used of one environment, library or tree. */
export interface Used {
  readonly paths: readonly string[];
  /** Owners' keys. */
  readonly keys: ReadonlySet<string>;
}

/** One environment, library or tree. */
export interface DescribedOne<S extends DistributionSpec, L extends DistributionLock> {
  readonly distribution: Description<S, L>['distributions'][number];
  readonly leads?: readonly string[];
  readonly cut?: ReadonlyMap<string, ContentRef>;
  readonly notes: readonly Note[];
}

type DescribeOne<S extends DistributionSpec, L extends DistributionLock> = (
  top: string,
  used: Used,
  root: Root,
  context: TraceContext,
) => Promise<DescribedOne<S, L> | undefined>;

/**
 * `describe` of a type of which there are many in one root: each by itself, by where it lies (its owners' `instance`).
 * What is asked again in a trace is looked at again only where more of it was used.
 */
export function describeEach<S extends DistributionSpec, L extends DistributionLock>(
  describeOne: DescribeOne<S, L>,
): Distribution<S, L>['describe'] {
  const once = oncePerTrace<DescribedOne<S, L> | undefined>();
  return async (owned, root, context) => {
    const used = new Map<string, { readonly paths: string[]; readonly keys: Set<string> }>();
    for (const [path, owners] of owned) {
      for (const { key, instance } of owners) {
        if (instance === undefined) continue;
        let of = used.get(instance);
        if (of === undefined) used.set(instance, (of = { paths: [], keys: new Set() }));
        of.paths.push(path);
        of.keys.add(key);
      }
    }
    const found: DescribedOne<S, L>[] = [];
    for (const [top, of] of [...used].sort(([a], [b]) => byBytes(a, b))) {
      const key = JSON.stringify([top, ...of.paths.toSorted(byBytes)]);
      const one = await once(root, context, key, async () => describeOne(top, of, root, context));
      if (one !== undefined) found.push(one);
    }
    return {
      distributions: found.map(({ distribution }) => distribution),
      leads: [...new Set(found.flatMap(({ leads = [] }) => leads))].sort(byBytes),
      cut: new Map(found.flatMap(({ cut = [] }) => [...cut])),
      notes: found.flatMap(({ notes }) => notes),
    };
  };
}

/** What is made once for each key in a trace of a root, however often it is asked for. */
export function oncePerTrace<T>(): (root: Root, context: Context, key: string, make: () => Promise<T>) => Promise<T> {
  const known = new WeakMap<Root, { readonly context: Context; readonly made: Map<string, Promise<T>> }>();
  return async (root, context, key, make) => {
    let held = known.get(root);
    if (held?.context !== context) known.set(root, (held = { context, made: new Map() }));
    let one = held.made.get(key);
    if (one === undefined) held.made.set(key, (one = make()));
    return await one;
  };
}
