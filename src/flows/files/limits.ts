/** How much of what nobody owns is kept; sizes in bytes. */
export interface Limits {
  /** Of one loose file or input. */
  readonly file: number;
  /** Of all of them together. */
  readonly total: number;
  /** Of one file that is set aside before a run, since the run may change it. */
  readonly copy: number;
  /** Of all of them together, where the filesystem can't share their blocks. */
  readonly copies: number;
  /** So many files are set aside. */
  readonly files: number;
  /** So many entries of a run's directory are looked at before it starts. */
  readonly entries: number;
}

/** What holds where nothing else is said. */
export const defaultLimits: Limits = {
  file: 2 * 1024 ** 3,
  total: 8 * 1024 ** 3,
  copy: 64 * 1024 ** 2,
  copies: 128 * 1024 ** 2,
  files: 5000,
  entries: 20_000,
};
