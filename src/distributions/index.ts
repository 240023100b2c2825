import type { AnyDistribution } from '../contract/index.ts';
import { cargo } from './cargo/index.ts';
import { conda } from './conda/index.ts';
import { annex } from './annex/index.ts';
import { cpan } from './cpan/index.ts';
import { datalad } from './datalad/index.ts';
import { debian } from './debian/index.ts';
import { gem } from './gem/index.ts';
import { git } from './git/index.ts';
import { go } from './go/index.ts';
import { julia } from './julia/index.ts';
import { npm } from './npm/index.ts';
import { modules } from './modules/index.ts';
import { pip } from './pip/index.ts';
import { image } from './image/index.ts';
import { prefix } from './prefix/index.ts';
import { r } from './r/index.ts';
import { redhat } from './redhat/index.ts';
import { svn } from './svn/index.ts';
import { ubuntu } from './ubuntu/index.ts';
import { venv } from './venv/index.ts';

/**
 * Every distribution, in the order in which they are asked whose a path is: what an archive vouches for before what
 * somebody checked out, and a tree that was put there by hand last.
 */
export const distributions: readonly AnyDistribution[] = [
  debian,
  ubuntu,
  redhat,
  datalad,
  annex,
  git,
  svn,
  conda,
  venv,
  pip,
  npm,
  r,
  gem,
  julia,
  cpan,
  go,
  cargo,
  modules,
  image,
  prefix,
];
