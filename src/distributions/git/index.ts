import type { ContentRef, Step, VolatilePath } from '../../model/index.ts';
import type { Distribution, Wanted } from '../../contract/index.ts';
import { smallHistory } from './capture.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { check, observe, packages } from './observe.ts';
import { resolve } from './resolve.ts';
import { prepare } from './prepare.ts';
import { gitLockSchema, gitSchema, type GitContent, type GitLock, type GitSpec } from './spec.ts';

/** git work trees: the whole tree with its `.git`, at its commit, with what was not committed or pushed. */
export const git: Distribution<GitSpec, GitLock> = {
  type: 'git',
  title: 'git',
  schema: gitSchema,
  lockSchema: gitLockSchema,
  claim,
  describe,
  resolve,
  contents(spec, lock) {
    const packs = partsOf(spec, lock).map(({ content }) => content.pack);
    const small = packs.filter((pack) => (pack?.size ?? 0) <= smallHistory);
    const large = packs.filter((pack) => (pack?.size ?? 0) > smallHistory);
    const only = partsOf(spec, lock).flatMap(({ content }) => [
      content.refs,
      content.staged,
      content.patch,
      content.unpushed,
    ]);
    return { kept: present([lock.tree, lock.archive, ...only, ...small]), archived: present(large) };
  },
  async wanted(spec, lock) {
    const parts = partsOf(spec, lock);
    return [
      ...toWanted(`files of ${spec.path}`, [lock.tree, lock.archive]),
      ...parts.flatMap(({ path, content }) =>
        toWanted(`changes of ${path}`, [content.refs, content.staged, content.patch]),
      ),
    ];
  },
  prepare,
  plan(spec, lock, made): readonly Step[] {
    if (made.tree === undefined) return [];
    const commit = spec.commit ?? lock.commit ?? '';
    const because = `git work tree at ${commit.slice(0, 12)}${spec.changes === undefined ? '' : ` with ${spec.changes} changed files`}`;
    return [{ do: 'unpack', archive: made.tree, into: spec.path, because }];
  },
  volatile(spec): readonly VolatilePath[] {
    const dirs = ['', ...(spec.submodules ?? []).map(({ path }) => `${path}/`)].map(
      (path) => `${spec.path}/${path}.git`,
    );
    return dirs.flatMap((dir) => [
      { pattern: `${dir}/index`, because: 'git notes when it last looked at the files' },
      { pattern: `${dir}/logs/`, because: 'git notes when what was done' },
      {
        pattern: `${dir}/objects/`,
        because: 'how objects are packed depends on where they came from; the commit names them',
      },
    ]);
  },
  packages,
  observe,
  check,
};

interface Part {
  readonly path: string;
  readonly content: GitContent;
}

function partsOf(spec: GitSpec, lock: GitLock): readonly Part[] {
  const inner = (lock.submodules ?? []).map((content) => ({ path: `${spec.path}/${content.path}`, content }));
  return [{ path: spec.path, content: lock }, ...inner];
}

function present(contents: readonly (ContentRef | undefined)[]): ContentRef[] {
  return contents.filter((content) => content !== undefined);
}

/** It was made while tracing: the store and the bundle, which are looked at first, are the only places. */
function toWanted(what: string, contents: readonly (ContentRef | undefined)[]): Wanted[] {
  return present(contents).map(({ sha256, size }) => ({ sha256, size, what, async *sources() {} }));
}
