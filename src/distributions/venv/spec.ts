import * as v from 'valibot';

import { distributionFields, flag, pathText } from '../../contract/schema.ts';
import { pythonFields, pythonLockSchema, type PythonLock, type PythonSpec } from '../../toolkits/python/spec.ts';

/** A virtual environment of Python, whoever made it: venv, virtualenv, uv. */
export interface VenvSpec extends PythonSpec {
  readonly type: 'venv';
  /** The Python that it stands on, by the path that it is called by. Default: /usr/bin/python3. */
  readonly interpreter?: string;
  /** Its programs see the packages of that Python, too. */
  readonly 'system-site-packages'?: boolean;
}

export type VenvLock = PythonLock;

export const venvSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('venv'),
  path: pathText,
  interpreter: v.optional(pathText),
  'system-site-packages': v.optional(flag),
  packages: pythonFields.packages,
  indexes: pythonFields.indexes,
  python: pythonFields.python,
}) as unknown as v.GenericSchema<unknown, VenvSpec>;

export const venvLockSchema = pythonLockSchema;
