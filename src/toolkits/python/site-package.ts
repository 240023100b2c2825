import type { DirectUrl, WheelInfo } from './metadata.ts';
import type { RecordEntry } from './record.ts';

/** One installed package. */
export interface SitePackage {
  /** Its name as PEP 503 has it. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Its metadata, absolute: the `.dist-info` or `.egg-info`. */
  readonly info: string;
  /** Who installed it, by its own word: `pip`, `uv`, `conda`, `debian`. */
  readonly installer?: string;
  /** It was asked for, not only needed by another (PEP 376). */
  readonly requested: boolean;
  /** `Requires-Dist`, as written. */
  readonly requires: readonly string[];
  readonly wheel?: WheelInfo;
  readonly direct?: DirectUrl;
  /** Its files with the hashes that were recorded, absolute; one that can't lie in the root is left out. */
  readonly files: readonly SiteFile[];
  /** Folders whose whole content is its, absolute. */
  readonly folders: readonly string[];
}

export interface SiteFile extends Pick<RecordEntry, 'hash' | 'size'> {
  readonly path: string;
}
