import * as v from 'valibot';

import { digestText, distributionFields, flag, integer, pathText, sha256Text, text } from '../../contract/schema.ts';
import { isSafeAbsolute, type ContentRef, type DistributionLock, type DistributionSpec } from '../../model/index.ts';
import { isRefName } from '../../toolkits/vcs/refs.ts';

/** What one work tree is at, as a person reads it; the top one's and each submodule's. */
export interface GitState {
  /** Where the commit can be had from: of the remote that has it, else of the one that the branch follows. */
  readonly remote?: string;
  readonly commit?: string;
  readonly branch?: string;
  /** All remotes by name, where it is not only `origin` with `remote`'s address. */
  readonly remotes?: Readonly<Record<string, string>>;
  /** So many tracked files were not as in the commit. */
  readonly changes?: number;
}

export interface GitSubmodule extends GitState {
  /** Relative to the work tree of the entry, also where it is nested deeper. */
  readonly path: string;
}

/** A git work tree. */
export interface GitSpec extends DistributionSpec, GitState {
  readonly type: 'git';
  readonly path: string;
  readonly submodules?: readonly GitSubmodule[];
}

/** What one work tree needs to come back, beyond its spec. */
export interface GitContent {
  /** The git name of what the branch follows: `refs/remotes/origin/main`. */
  readonly upstream?: string;
  /** Refs that come back (those that lead to the commit, and the upstream), as a packed-refs file. */
  readonly refs?: ContentRef;
  /** Every object that the refs and the commit need, as a pack. */
  readonly pack?: ContentRef;
  /** Those of them that no remote has, as a pack. */
  readonly unpushed?: ContentRef;
  /** What the index has beyond the commit, as a binary patch. */
  readonly staged?: ContentRef;
  /** What the work tree has beyond the index, as a binary patch. */
  readonly patch?: ContentRef;
  /** Files that the index only announces (`add --intent-to-add`). */
  readonly announced?: readonly string[];
  /** Commits at which history ends (a shallow clone). */
  readonly shallow?: readonly string[];
  /** Tracked files that are not in the list of files were not checked out. */
  readonly sparse?: boolean;
  /** Object ids are SHA-256. */
  readonly algorithm?: 'sha256';
}

export interface GitLock extends DistributionLock, GitContent {
  /** Of an entry that named none. */
  readonly commit?: string;
  /** Every tracked file with mode, owner, time and sha256: see `toolkits/trees`. */
  readonly tree?: ContentRef;
  /** Those files as a tar, where git could not be asked: the work tree then comes back without its `.git`. */
  readonly archive?: ContentRef;
  readonly files?: number;
  readonly size?: number;
  readonly submodules?: readonly (GitContent & { readonly path: string; readonly name?: string })[];
}

const commitText = v.pipe(
  v.string('expected a commit'),
  v.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'expected a whole commit id: 40 (or 64) hexadecimal digits'),
);

const addressText = v.pipe(
  text,
  v.check((value) => !value.startsWith('-'), 'an address can not begin with -'),
  v.check((value) => !/^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/@]*@/i.test(value), 'must not hold a password'),
);

const branchText = v.pipe(
  text,
  v.check((value) => isRefName(`refs/heads/${value}`), 'expected the name of a branch'),
);

const remoteNameText = v.pipe(
  v.string('expected a name'),
  v.check((value) => isRefName(`refs/remotes/${value}`) && !value.startsWith('-'), 'expected the name of a remote'),
);

const relativeText = v.pipe(
  text,
  v.check((value) => isSafeAbsolute(`/${value}`) && value !== '', 'expected a path below the work tree'),
  v.check((value) => !value.toLowerCase().split('/').includes('.git'), 'must not lie in a .git'),
);

const refNameText = v.pipe(text, v.check(isRefName, 'expected the name of a ref'));

const stateFields = {
  remote: v.optional(addressText),
  commit: v.optional(commitText),
  branch: v.optional(branchText),
  remotes: v.optional(v.record(remoteNameText, addressText)),
  changes: v.optional(integer),
};

const contentRef = v.object({ sha256: sha256Text, size: integer });

const contentFields = {
  upstream: v.optional(refNameText),
  refs: v.optional(contentRef),
  pack: v.optional(contentRef),
  unpushed: v.optional(contentRef),
  staged: v.optional(contentRef),
  patch: v.optional(contentRef),
  announced: v.optional(v.array(relativeText)),
  shallow: v.optional(v.array(commitText)),
  sparse: v.optional(flag),
  algorithm: v.optional(v.literal('sha256')),
};

export const gitSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('git'),
  path: pathText,
  ...stateFields,
  submodules: v.optional(v.array(v.looseObject({ path: relativeText, ...stateFields }))),
}) as unknown as v.GenericSchema<unknown, GitSpec>;

export const gitLockSchema = v.looseObject({
  of: digestText,
  commit: v.optional(commitText),
  tree: v.optional(contentRef),
  archive: v.optional(contentRef),
  files: v.optional(integer),
  size: v.optional(integer),
  ...contentFields,
  submodules: v.optional(v.array(v.looseObject({ path: relativeText, name: v.optional(text), ...contentFields }))),
}) as unknown as v.GenericSchema<unknown, GitLock>;
