import * as v from 'valibot';

import {
  digestText,
  distributionFields,
  flag,
  idText,
  integer,
  pathText,
  sha256Text,
  text,
  urlText,
} from '../../../contract/schema.ts';
import { isSafeAbsolute, type ContentRef, type DistributionLock, type DistributionSpec } from '../../../model/index.ts';
import { parseKey } from '../annex/key.ts';
import type { SpecialRemote } from '../annex/logs.ts';
import type { RepositoryKind } from '../kind.ts';
import { isRefName } from '../refs.ts';

/** What one work tree is at, as a person reads it; the top one's and each submodule's. */
export interface GitState {
  /** Where the commit can be had from: of the remote that has it, else of the one that the branch follows. */
  readonly remote?: string;
  readonly commit?: string;
  /** Where the lock's `upstream` does not tell it. */
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

/** A git work tree, a repository of git-annex, or a dataset of DataLad. */
export interface GitSpec extends DistributionSpec, GitState {
  readonly type: RepositoryKind;
  readonly path: string;
  /** The id that DataLad gave the dataset. */
  readonly dataset?: string;
  readonly submodules?: readonly GitSubmodule[];
  /** Where its content may lie beside git remotes; what is secret of them is not here. */
  readonly special?: readonly SpecialRemote[];
  /** Annexed files whose content is there. */
  readonly get?: readonly string[];
}

/** One file whose content is not in git, by its path in the work tree. */
export interface LargeFile extends ContentRef {
  readonly path: string;
}

/** Content that git-annex has. */
export interface AnnexedContent extends ContentRef {
  readonly key: string;
  /** The tracked files that lead to it; several for one content, none where it was read by its own name. */
  readonly paths: readonly string[];
  /** Those of them that are content themselves, and no links. */
  readonly unlocked?: readonly string[];
  /** Addresses in the web. */
  readonly urls?: readonly string[];
  /** Remotes and special remotes that have it, as far as is known. */
  readonly at?: readonly string[];
  /** It is stored, and in every bundle. */
  readonly kept?: boolean;
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
  /** Files that git-lfs had checked out. */
  readonly large?: readonly LargeFile[];
  /** Filters that its configuration has in force. */
  readonly filters?: readonly ('annex' | 'lfs')[];
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
  /** Of git-annex's repository: its version. */
  readonly annex?: number;
  /** Uuids of the remotes, as git-annex has them. */
  readonly uuids?: Readonly<Record<string, string>>;
  readonly keys?: readonly AnnexedContent[];
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
  large: v.optional(v.array(v.looseObject({ path: relativeText, size: integer, sha256: sha256Text }))),
  filters: v.optional(v.array(v.picklist(['annex', 'lfs']))),
};

const keyText = v.pipe(
  text,
  v.check((value) => parseKey(value) !== undefined, 'expected a key of git-annex'),
);

const uuidText = v.pipe(text, v.regex(/^[0-9a-fA-F-]{36}$/, 'expected a uuid'));

const annexSpecFields = {
  special: v.optional(v.array(v.looseObject({ name: text, type: text, uuid: uuidText, url: v.optional(urlText) }))),
  get: v.optional(v.array(relativeText)),
};

const annexLockFields = {
  annex: v.optional(integer),
  uuids: v.optional(v.record(remoteNameText, uuidText)),
  keys: v.optional(
    v.array(
      v.looseObject({
        key: keyText,
        paths: v.array(relativeText),
        unlocked: v.optional(v.array(relativeText)),
        size: integer,
        sha256: sha256Text,
        urls: v.optional(v.array(urlText)),
        at: v.optional(v.array(text)),
        kept: v.optional(flag),
      }),
    ),
  ),
};

/** What stands above the lock for one kind. */
export function specSchema(type: RepositoryKind): v.GenericSchema<unknown, GitSpec> {
  return v.looseObject({
    ...distributionFields,
    type: v.literal(type),
    path: pathText,
    ...(type === 'datalad' ? { dataset: v.optional(idText) } : {}),
    ...stateFields,
    ...(type === 'git'
      ? { submodules: v.optional(v.array(v.looseObject({ path: relativeText, ...stateFields }))) }
      : annexSpecFields),
  }) as unknown as v.GenericSchema<unknown, GitSpec>;
}

/** A lock of any kind. */
export const lockSchema = v.looseObject({
  of: digestText,
  commit: v.optional(commitText),
  tree: v.optional(contentRef),
  archive: v.optional(contentRef),
  files: v.optional(integer),
  size: v.optional(integer),
  ...annexLockFields,
  ...contentFields,
  submodules: v.optional(v.array(v.looseObject({ path: relativeText, name: v.optional(text), ...contentFields }))),
}) as unknown as v.GenericSchema<unknown, GitLock>;
