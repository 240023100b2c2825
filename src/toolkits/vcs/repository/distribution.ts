import type { ContentRef, Step, VolatilePath } from '../../../model/index.ts';
import type { Distribution, Need, Wanted } from '../../../contract/index.ts';
import type { RepositoryKind } from '../kind.ts';
import { smallHistory } from './capture.ts';
import { check } from './check.ts';
import { claim } from './claim.ts';
import { toWanted } from './contents.ts';
import { describe } from './describe.ts';
import { edit } from './edit.ts';
import { observe, packages } from './observe.ts';
import { prepare } from './prepare.ts';
import { resolve } from './resolve.ts';
import { lockSchema, specSchema, type GitContent, type GitLock, type GitSpec } from './spec.ts';

/** A distribution of work trees of one kind: whole, with their `.git`, at their commit, with what was not committed or pushed. */
export function repositoryDistribution(
  type: RepositoryKind,
  title: string,
  needs: readonly Need[],
): Distribution<GitSpec, GitLock> {
  return {
    type,
    title,
    schema: specSchema(type),
    lockSchema,
    claim: async (paths, root, context) => await claim(type, paths, root, context),
    describe: async (owned, root, context) => await describe(type, owned, root, context),
    resolve,
    contents(spec, lock) {
      const parts = partsOf(spec, lock).map(({ content }) => content);
      const keys = lock.keys ?? [];
      const packs = present(parts.map(({ pack }) => pack));
      return {
        kept: present([
          lock.tree,
          lock.archive,
          ...parts.flatMap(({ refs, staged, patch, unpushed, large = [] }) => [
            refs,
            staged,
            patch,
            unpushed,
            ...large,
          ]),
          ...packs.filter(({ size }) => size <= smallHistory),
          ...keys.filter(({ kept }) => kept === true),
        ]),
        archived: present([
          ...packs.filter(({ size }) => size > smallHistory),
          ...keys.filter(({ kept }) => kept !== true),
        ]),
      };
    },
    async wanted(spec, lock, context) {
      const parts = partsOf(spec, lock);
      return [
        ...toWanteds(`files of ${spec.path}`, [lock.tree, lock.archive]),
        ...parts.flatMap(({ path, content: { refs, staged, patch, large = [] } }) => [
          ...toWanteds(`changes of ${path}`, [refs, staged, patch]),
          ...large.flatMap((file) => toWanteds(`${path}/${file.path}`, [file])),
        ]),
        ...(lock.keys ?? []).filter(({ kept }) => kept === true).map((row) => toWanted(row, spec, context)),
      ];
    },
    prepare,
    plan(spec, lock, made): readonly Step[] {
      if (made.tree === undefined) return [];
      const commit = spec.commit ?? lock.commit ?? '';
      const changes = spec.changes === undefined ? '' : ` with ${spec.changes} changed files`;
      const keys = lock.keys === undefined ? '' : `, ${lock.keys.length} annexed contents`;
      const because = `${names[type]} at ${commit.slice(0, 12)}${changes}${keys}`;
      return [{ do: 'unpack', archive: made.tree, into: spec.path, because }];
    },
    edit: (spec, wish) => edit(title, spec, wish),
    change(from, to): readonly Step[] {
      if (to.made.tree === undefined || to.made.tree.sha256 === from.made.tree?.sha256) return [];
      const because = `${names[type]} as it is to be`;
      return [
        { do: 'remove', path: from.spec.path, because },
        { do: 'unpack', archive: to.made.tree, into: to.spec.path, because },
      ];
    },
    needs: () => needs,
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
}

const names: Readonly<Record<RepositoryKind, string>> = {
  git: 'git work tree',
  annex: 'git-annex repository',
  datalad: 'DataLad dataset',
};

function partsOf(spec: GitSpec, lock: GitLock): readonly { readonly path: string; readonly content: GitContent }[] {
  const inner = (lock.submodules ?? []).map((content) => ({ path: `${spec.path}/${content.path}`, content }));
  return [{ path: spec.path, content: lock }, ...inner];
}

function present(contents: readonly (ContentRef | undefined)[]): ContentRef[] {
  return contents.flatMap((content) => (content === undefined ? [] : [{ sha256: content.sha256, size: content.size }]));
}

/** It was made while tracing: the store and the bundle, which are looked at first, are the only places. */
function toWanteds(what: string, contents: readonly (ContentRef | undefined)[]): Wanted[] {
  return present(contents).map(({ sha256, size }) => ({ sha256, size, what, async *sources() {} }));
}
