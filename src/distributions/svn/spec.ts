import * as v from 'valibot';

import { digestText, distributionFields, integer, pathText, sha256Text, text } from '../../contract/schema.ts';
import { isSafeAbsolute, type ContentRef, type DistributionLock, type DistributionSpec } from '../../model/index.ts';

/** A working copy of Subversion's. */
export interface SvnSpec extends DistributionSpec {
  readonly type: 'svn';
  readonly path: string;
  /** Of what was checked out, without user and password. */
  readonly url: string;
  /** One revision, or the lowest and the highest of a mixed working copy as svnversion has them: `4123:4168`. */
  readonly revision?: string;
  /** The repository's own id. */
  readonly uuid?: string;
  /** So many versioned paths were not as in their revision. */
  readonly changes?: number;
  /** Other working copies in it, by its svn:externals. */
  readonly externals?: readonly { readonly path: string; readonly url: string; readonly revision?: number }[];
}

export interface SvnLock extends DistributionLock {
  /** Of an entry that named none. */
  readonly revision?: string;
  /** The repository's root. */
  readonly root?: string;
  /** Every versioned file and everything in `.svn`: see `toolkits/trees`. */
  readonly tree?: ContentRef;
  /** All of it as a tar, less the files that are as the repository's texts in `.svn/pristine`. */
  readonly rest?: ContentRef;
  readonly files?: number;
  readonly size?: number;
}

const addressText = v.pipe(
  text,
  v.check((value) => /^(?:https?|svn|svn\+[a-z]+|file):\/\//.test(value), 'expected an address: https://, svn:// …'),
  v.check((value) => !/^[a-z+]+:\/\/[^/@]*:[^/@]*@/.test(value), 'must not hold a password'),
);

const relativeText = v.pipe(
  text,
  v.check((value) => isSafeAbsolute(`/${value}`), 'expected a path below the working copy'),
);

const revisionText = v.pipe(
  text,
  v.regex(/^[0-9]{1,12}(?::[0-9]{1,12})?$/, 'expected a revision, or two with a colon'),
);

export const svnSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('svn'),
  path: pathText,
  url: addressText,
  revision: v.optional(revisionText),
  uuid: v.optional(v.pipe(text, v.regex(/^[0-9A-Za-z-]{1,64}$/, 'expected a uuid'))),
  changes: v.optional(integer),
  externals: v.optional(
    v.array(v.looseObject({ path: relativeText, url: addressText, revision: v.optional(integer) })),
  ),
}) as unknown as v.GenericSchema<unknown, SvnSpec>;

const contentRef = v.object({ sha256: sha256Text, size: integer });

export const svnLockSchema = v.looseObject({
  of: digestText,
  revision: v.optional(revisionText),
  root: v.optional(addressText),
  tree: v.optional(contentRef),
  rest: v.optional(contentRef),
  files: v.optional(integer),
  size: v.optional(integer),
}) as unknown as v.GenericSchema<unknown, SvnLock>;
