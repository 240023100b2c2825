import { repositoryDistribution } from '../../toolkits/vcs/repository/distribution.ts';

/** Datasets of DataLad, each subdataset one of its own: the work tree, and the content of the files that were used. */
export const datalad = repositoryDistribution('datalad', 'DataLad', [
  { program: 'git', debian: ['git'], redhat: ['git'] },
  { program: 'git-annex', debian: ['git-annex'], redhat: ['git-annex'] },
  { program: 'datalad', debian: ['datalad'], redhat: ['datalad'] },
]);
