import type { AnnexedContent, GitContent, GitState } from './spec.ts';

/** One work tree that is made: the project's own, or a submodule's. */
export interface Wish {
  /** Below the project's folder; `''` is that itself. */
  readonly path: string;
  readonly commit: string;
  readonly state: GitState;
  readonly content: GitContent;
  /** Those that lie directly in it. */
  readonly submodules: readonly { readonly name: string; readonly remote: string | undefined }[];
  /** Of a repository of git-annex: its version, its remotes' uuids, and the contents that it has. */
  readonly annex?: {
    readonly version: number;
    readonly uuids: Readonly<Record<string, string>>;
    readonly keys: readonly AnnexedContent[];
  };
}
