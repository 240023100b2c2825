import { lastValue } from '../config.ts';
import type { WorkTree } from '../worktree.ts';
import type { GitContent } from './spec.ts';

/** What `git lfs install` and `git annex init` write: a program of that name, and nothing of a stranger's choosing. */
export const knownFilters = {
  annex: {
    smudge: 'git-annex smudge -- %f',
    clean: 'git-annex smudge --clean -- %f',
    process: 'git-annex filter-process',
  },
  lfs: {
    smudge: 'git-lfs smudge -- %f',
    clean: 'git-lfs clean -- %f',
    process: 'git-lfs filter-process',
    required: 'true',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The filters that a repository's own configuration has in force, as far as they are these. */
export function filtersOf({ config }: WorkTree): Pick<GitContent, 'filters'> {
  const filters = (['annex', 'lfs'] as const).filter(
    (name) => lastValue(config, `filter.${name}.clean`) === knownFilters[name].clean,
  );
  return filters.length === 0 ? {} : { filters };
}
