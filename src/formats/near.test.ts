import assert from 'node:assert/strict';
import { test } from 'node:test';

import { near } from './near.ts';

test('finds what was meant, and nothing where nothing is near', () => {
  const known = ['packages', 'path', 'base', 'id', 'type'];
  assert.equal(near('pakages', known), 'packages');
  assert.equal(near('package', known), 'packages');
  assert.equal(near('Packages', known), 'packages');
  assert.equal(near('pcakages', known), 'packages');
  assert.equal(near('bse', known), 'base');
  assert.equal(near('tpye', known), 'type');
  assert.equal(near('flavour', known), undefined);
  assert.equal(near('note', known), undefined);
  assert.equal(near('', known), undefined);
});
