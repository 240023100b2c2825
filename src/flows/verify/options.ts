import type { FileLock } from '../../model/index.ts';
import type { AnyDistribution, CreateContext, Root } from '../../contract/index.ts';
import type { Made } from '../plan.ts';

export interface VerifyOptions {
  readonly distributions: readonly AnyDistribution[];
  readonly context: CreateContext;
  /** The file of the rootfs that says who owns what, where that can't be seen. */
  readonly manifest?: string;
  /** sha256s of the content that the root was built from, by its build record. Without: the store is asked. */
  readonly built?: readonly string[];
  /** The tree that the root was made from, where it is at hand; `manifest` is of both. */
  readonly source?: Root;
  /** The sha256 of the list of what was changed in the root since, on purpose. */
  readonly touched?: string;
  /** The sha256 of the list of what the user's own steps made. */
  readonly customized?: string;
  /** The root had been there before: what it has beyond the spec is its own. */
  readonly inPlace?: boolean;
  /** What `prepare` gave when the root was made. */
  readonly made?: Made;
  /** Further files by their content, such as a trace that was just made has them. Absolute paths. */
  readonly traced?: readonly FileLock[];
  /** Packages that nobody vouches for, where that is known already. */
  readonly unvouched?: readonly string[];
}
