/** One thing that two environments do not have in common. `was` is absent where only the second has it, `is` where only the first. */
export interface Change {
  readonly subject: string;
  readonly was?: string;
  readonly is?: string;
}

/** One distribution, as it is in both. */
export interface DistributionDifference {
  readonly type: string;
  /** In the first where it is there, else in the second. */
  readonly id: string;
  /** The path of a work tree, prefix or environment. */
  readonly where?: string;
  readonly release?: { readonly was?: string; readonly is?: string };
  /** Packages by what a person calls them, sorted. */
  readonly packages: readonly Change[];
  /** How many packages were compared: those of either. */
  readonly compared: number;
  /** Further fields of the entries, where both are specs. */
  readonly fields: readonly Change[];
}

/** The answer of diff; `equal` says that there is nothing in it. */
export interface Differences {
  readonly equal: boolean;
  /** As a person names the two. */
  readonly of: readonly [string, string];
  /** Whether only what the first has and the second lacks was counted. */
  readonly satisfies: boolean;
  /** Sorted by type and id; those without a change are there as well. */
  readonly distributions: readonly DistributionDifference[];
  /** Loose files; between two places (but the machine itself) all files that are not of a package that differs. */
  readonly files: readonly Change[];
  /** Fields of runs: `run: command`, `run: output out/table.tsv`. */
  readonly runs: readonly Change[];
  readonly environment: readonly Change[];
  /** Steps of the user's own, by their number: `step 2`. */
  readonly customize: readonly Change[];
}
