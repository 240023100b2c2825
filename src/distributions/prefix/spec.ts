import * as v from 'valibot';

import { digestText, distributionFields, flag, integer, pathText, sha256Text, text } from '../../contract/schema.ts';
import type { ContentRef, DistributionLock, DistributionSpec } from '../../model/index.ts';

/** A tree that was put there by hand, or by a program that keeps no list of its files. */
export interface PrefixSpec extends DistributionSpec {
  readonly type: 'prefix';
  readonly path: string;
  /** What it is, as far as its own files tell: `Python`, `Go`, or the name of its folder. */
  readonly name?: string;
  readonly version?: string;
  /** Taken with everything in it; else only what was used. */
  readonly whole?: boolean;
}

export interface PrefixLock extends DistributionLock {
  /** How it was built, by its own files: `configure`, `compiler`, `commit`; of other trees, libraries and their versions. */
  readonly build?: Readonly<Record<string, string>>;
  /** Every file with mode, owner, time and sha256: see `toolkits/trees`. Absent where it was too large to keep. */
  readonly tree?: ContentRef;
  /** The same as a tar, compressed with zstd, whose names are relative to `path`. */
  readonly archive?: ContentRef;
  readonly files: number;
  readonly size: number;
}

export const prefixSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('prefix'),
  path: pathText,
  name: v.optional(text),
  version: v.optional(text),
  whole: v.optional(flag),
}) as unknown as v.GenericSchema<unknown, PrefixSpec>;

const contentRef = v.object({ sha256: sha256Text, size: integer });

export const prefixLockSchema = v.looseObject({
  of: digestText,
  build: v.optional(v.record(v.string(), text)),
  tree: v.optional(contentRef),
  archive: v.optional(contentRef),
  files: integer,
  size: integer,
}) as unknown as v.GenericSchema<unknown, PrefixLock>;
