import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countAlike } from './count-alike.ts';

test('what a trace found reads as one would say it', () => {
  const lines = [
    '14 Debian packages',
    '1 git work tree',
    '1 git work tree',
    '1 venv (5 packages; Python 3.11.7)',
    '1 prefix (pyenv)',
    '1 prefix (Python 3.11.7)',
    '1 R library (2 packages)',
    '1 R library (3 packages; R 4.2)',
    '1 DataLad dataset',
  ];
  assert.deepEqual(countAlike(lines), [
    '14 Debian packages',
    '2 git work trees',
    '1 venv (5 packages; Python 3.11.7)',
    '2 prefixes (pyenv; Python 3.11.7)',
    '2 R libraries (2 packages; 3 packages, R 4.2)',
    '1 DataLad dataset',
  ]);
});
