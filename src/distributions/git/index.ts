import { repositoryDistribution } from '../../toolkits/vcs/repository/distribution.ts';

/** Work trees of git that are not git-annex's or DataLad's, with their submodules. */
export const git = repositoryDistribution('git', 'git', [{ program: 'git', debian: ['git'], redhat: ['git'] }]);
