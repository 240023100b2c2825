import * as v from 'valibot';

import { digestText, distributionFields, flag, integer, pathText, sha256Text, text } from '../../contract/schema.ts';
import { isSafeAbsolute, type ContentRef, type DistributionLock, type DistributionSpec } from '../../model/index.ts';

/** Packages of one language in one folder. */
export interface LibrarySpec extends DistributionSpec {
  readonly path: string;
  /** `NAME@VERSION`: those that were used. */
  readonly packages?: readonly string[];
}

export interface LibraryRow {
  /** Where it lies below the library. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** No archive is known to have what lies here: its files are kept. */
  readonly repacked?: boolean;
}

export interface LibraryLock extends DistributionLock {
  readonly packages: readonly LibraryRow[];
  /** Every file: see `toolkits/trees`. */
  readonly tree?: ContentRef;
  /** The same as a tar, compressed with zstd, whose names are relative to `path`. */
  readonly rest?: ContentRef;
  readonly files: number;
  readonly size: number;
}

export function librarySchema(type: string): v.GenericSchema<unknown, LibrarySpec> {
  return v.looseObject({
    ...distributionFields,
    type: v.literal(type),
    path: pathText,
    packages: v.optional(v.array(text)),
  }) as unknown as v.GenericSchema<unknown, LibrarySpec>;
}

const below = v.pipe(
  text,
  v.check((path) => isSafeAbsolute(`/${path}`), 'expected a path below the library'),
);
const contentRef = v.object({ sha256: sha256Text, size: integer });

export const libraryLockSchema = v.looseObject({
  of: digestText,
  packages: v.array(v.looseObject({ path: below, name: text, version: v.string(), repacked: v.optional(flag) })),
  tree: v.optional(contentRef),
  rest: v.optional(contentRef),
  files: integer,
  size: integer,
}) as unknown as v.GenericSchema<unknown, LibraryLock>;
