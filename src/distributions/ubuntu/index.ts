import { aptDistribution } from '../../toolkits/apt/distribution.ts';

/** Ubuntu, and what says that it is like it. */
export const ubuntu = aptDistribution({
  type: 'ubuntu',
  title: 'Ubuntu',
  releases: ['focal', 'jammy', 'noble', 'plucky', 'questing', 'resolute'],
  archived: ['trusty', 'xenial', 'bionic', 'kinetic', 'lunar', 'mantic', 'oracular'],
  stable: 'noble',
  relatives: ['debian', 'ubuntu'],
});
