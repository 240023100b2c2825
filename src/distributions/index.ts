import type { AnyDistribution } from '../contract/index.ts';
import { conda } from './conda/index.ts';
import { debian } from './debian/index.ts';
import { git } from './git/index.ts';
import { prefix } from './prefix/index.ts';
import { ubuntu } from './ubuntu/index.ts';

/**
 * Every distribution, in the order in which they are asked whose a path is: what an archive vouches for before what
 * somebody checked out, and a tree that was put there by hand last.
 */
export const distributions: readonly AnyDistribution[] = [debian, ubuntu, git, conda, prefix];
