import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { localRoot } from '../../src/roots/local.ts';
import type { Place } from '../contract/distribution.ts';
import { contexts } from './contexts.ts';
import { lay } from './lay.ts';

/** A root with these files: those that are a library's, and others that are near and are not. */
export function libraryPlace(
  t: TestContext,
  mine: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
): Place {
  const { folder } = contexts(t);
  lay(join(folder, 'root'), { ...mine, ...others });
  mkdirSync(join(folder, 'empty'));
  return {
    root: localRoot(join(folder, 'root')),
    mine: Object.keys(mine),
    others: Object.keys(others),
    empty: localRoot(join(folder, 'empty')),
  };
}
