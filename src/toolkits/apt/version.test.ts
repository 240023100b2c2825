import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import fc from 'fast-check';

import { runProcess } from '../../sessions/process.ts';
import { compareVersions, satisfies } from './version.ts';

const versions = [
  '1.0',
  '1.00',
  '1.0~rc1',
  '1.0-1',
  '1.0-1+b1',
  '1.0-1~bpo12+1',
  '2:0.1',
  '1:9',
  '9',
  '9-3.1+',
  '1.0a',
  '1.0+a',
  '0',
  '0~~',
  '0~',
  '1.2.10-1ubuntu0.3',
];

test('versions are ordered as the manual says', () => {
  assert.ok(compareVersions('1.0~rc1', '1.0') < 0);
  assert.ok(compareVersions('1.0', '1.0-1') < 0);
  assert.equal(compareVersions('1.00', '1.0'), 0);
  assert.equal(compareVersions('1.0-0', '1.0'), 0);
  assert.ok(compareVersions('2:0.1', '1:9') > 0);
  assert.ok(satisfies('2.36-9+deb12u13', '>=', '2.36-9'));
  assert.ok(!satisfies('1.0~rc1', '>=', '1.0'));
});

test('random pairs compare as dpkg compares them', async (t) => {
  if (!existsSync('/usr/bin/dpkg')) return t.skip('no dpkg here');
  const text = fc.stringMatching(/^[0-9][0-9a-zA-Z.+~]{0,6}(-[0-9a-z+~.]{1,4})?$/);
  const pairs = fc.sample(
    fc.tuple(fc.oneof(text, fc.constantFrom(...versions)), fc.oneof(text, fc.constantFrom(...versions))),
    { numRuns: 300, seed: 7 },
  );
  for (const [a, b] of pairs) {
    const relation = compareVersions(a, b) < 0 ? 'lt' : compareVersions(a, b) > 0 ? 'gt' : 'eq';
    const { status } = await runProcess(['dpkg', '--compare-versions', a, relation, b], { accept: 'any' });
    assert.equal(status, 0, `${a} ${relation} ${b}`);
  }
});
