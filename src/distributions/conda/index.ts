import type { Distribution } from '../../contract/index.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { activate, change, edit, plan } from './edit.ts';
import { check, observe, packages } from './observe.ts';
import { prepare } from './prepare.ts';
import { resolve } from './resolve.ts';
import { condaLockSchema, condaSchema, type CondaLock, type CondaSpec } from './spec.ts';
import { trust } from './trust.ts';
import { wanted } from './wanted.ts';

/** Conda prefixes, whichever program made them: their packages by artifact, and what artifacts do not bring. */
export const conda: Distribution<CondaSpec, CondaLock> = {
  type: 'conda',
  title: 'conda',
  schema: condaSchema,
  lockSchema: condaLockSchema,
  claim,
  describe,
  resolve,
  contents(_spec, { packages: rows, tree, rest }) {
    return {
      kept: [tree, rest].filter((content) => content !== undefined),
      archived: rows.flatMap(({ sha256, size, repacked }) =>
        sha256 === undefined || size === undefined || repacked === true ? [] : [{ sha256, size }],
      ),
    };
  },
  wanted,
  prepare,
  plan,
  edit,
  change,
  activate,
  packages,
  observe,
  check,
  trust,
};
