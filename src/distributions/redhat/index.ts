import { rpmDistribution } from '../../toolkits/rpm/distribution.ts';

/** CentOS, Rocky, Alma, Red Hat Enterprise Linux, Fedora, and what says that it is like them. */
export const redhat = rpmDistribution({ type: 'redhat', title: 'rpm' });
