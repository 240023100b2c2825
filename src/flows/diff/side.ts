import type { Spec } from '../../model/index.ts';
import type { AnyDistribution, Context, Root } from '../../contract/index.ts';

/** One side: a spec, a place, or a place that was made from a spec. */
export interface Side {
  readonly label: string;
  readonly spec?: Spec;
  readonly root?: Root;
  /** A place that was there before: what its system has beyond the spec is its own. */
  readonly inPlace?: boolean;
  /** Of a place whose owners can't be seen. */
  readonly manifest?: string;
}

export interface DiffOptions {
  readonly distributions: readonly AnyDistribution[];
  readonly context: Context;
  /** Only what the first has and the second lacks counts: the second is good enough for the first. */
  readonly satisfies?: boolean;
}
