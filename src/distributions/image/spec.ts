import * as v from 'valibot';

import { anyText, digestText, distributionFields, integer, pathText, sha256Text, text } from '../../contract/schema.ts';
import type { ContentRef, DistributionLock, DistributionSpec } from '../../model/index.ts';

/** An image that a command was run in. */
export interface ImageSpec extends DistributionSpec {
  readonly type: 'image';
  /** `docker`, `apptainer` …: what ran it. */
  readonly engine?: string;
  /** As it was named: `debian:bookworm`, `./x.sif`. */
  readonly reference: string;
  /** What it is: of a registry's image its digest there, else the engine's; of a file its sha256. */
  readonly digest?: string;
  /** Of an image that is a file or folder. */
  readonly path?: string;
  /** As its labels say. */
  readonly version?: string;
}

export interface ImageLock extends DistributionLock {
  /** The digest of its configuration: the engine's own name of it. */
  readonly image?: string;
  /** By which registries have it: `debian@sha256:…`. */
  readonly digests?: readonly string[];
  readonly architecture?: string;
  /** In bytes. */
  readonly size?: number;
  /** Of an image that is a file. */
  readonly sha256?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** The definition that it was built from. */
  readonly definition?: ContentRef;
  /** The file itself, where it was small enough to keep. */
  readonly content?: ContentRef;
}

export const imageSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('image'),
  engine: v.optional(text),
  reference: text,
  digest: v.optional(digestText),
  path: v.optional(pathText),
  version: v.optional(text),
}) as unknown as v.GenericSchema<unknown, ImageSpec>;

const contentRef = v.object({ sha256: sha256Text, size: integer });

export const imageLockSchema = v.looseObject({
  of: digestText,
  image: v.optional(digestText),
  digests: v.optional(v.array(text)),
  architecture: v.optional(text),
  size: v.optional(integer),
  sha256: v.optional(sha256Text),
  labels: v.optional(v.record(v.string(), anyText)),
  definition: v.optional(contentRef),
  content: v.optional(contentRef),
}) as unknown as v.GenericSchema<unknown, ImageLock>;
