import { aptDistribution } from '../../toolkits/apt/distribution.ts';

/** Debian, and what says that it is like it. */
export const debian = aptDistribution({
  type: 'debian',
  title: 'Debian',
  releases: ['bullseye', 'bookworm', 'trixie', 'forky', 'sid'],
  archived: ['wheezy', 'jessie', 'stretch', 'buster', 'experimental'],
  stable: 'trixie',
  relatives: ['debian', 'ubuntu'],
});
