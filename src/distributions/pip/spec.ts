import * as v from 'valibot';

import { distributionFields } from '../../contract/schema.ts';
import { pythonFields, pythonLockSchema, type PythonLock, type PythonSpec } from '../../toolkits/python/spec.ts';

/** Packages that pip put into a folder that is no environment of its own: a user's, /usr/local's, a Python's own. */
export interface PipSpec extends PythonSpec {
  readonly type: 'pip';
}

export type PipLock = PythonLock;

export const pipSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('pip'),
  path: v.pipe(
    pythonFields.path,
    v.regex(
      /^\/.+\/lib(?:64)?\/(?:python|pypy)[\d.]+\/(?:site|dist)-packages$/,
      'expected a folder of packages, such as /usr/local/lib/python3.11/dist-packages',
    ),
  ),
  packages: pythonFields.packages,
  indexes: pythonFields.indexes,
  python: pythonFields.python,
}) as unknown as v.GenericSchema<unknown, PipSpec>;

export const pipLockSchema = pythonLockSchema;
