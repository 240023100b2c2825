/** A package as `diff` sees it: `key` is what makes it the same package, `version` what may differ. */
export interface PackageId {
  readonly key: string;
  readonly version: string;
  /** What a person calls it; default: the key. */
  readonly name?: string;
  /** False for what stands in the lock for the closure only. */
  readonly listed?: boolean;
}
