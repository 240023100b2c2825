import { repositoryDistribution } from '../../toolkits/vcs/repository/distribution.ts';

/** Repositories of git-annex: the work tree, and the content of the annexed files that were used. */
export const annex = repositoryDistribution('annex', 'git-annex', [
  { program: 'git', debian: ['git'], redhat: ['git'] },
  { program: 'git-annex', debian: ['git-annex'], redhat: ['git-annex'] },
]);
