import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compareEvr, compareVersions, formatEvr, parseEvr, satisfies } from './version.ts';

// pairs of rpm's own tests/rpmvercmp.at: the facts, in our order
const older: readonly (readonly [string, string])[] = [
  ['1.0', '2.0'],
  ['2.0', '2.0.1'],
  ['2.0.1', '2.0.1a'],
  ['5.5p1', '5.5p2'],
  ['5.5p1', '5.5p10'],
  ['xyz10', '10xyz'],
  ['xyz10', 'xyz10.1'],
  ['xyz.4', '8'],
  ['xyz.4', '2'],
  ['5.5p2', '5.6p1'],
  ['5.6p1', '6.5p1'],
  ['6.0', '6.0.rc1'],
  ['10a2', '10b2'],
  ['1.0a', '1.0aa'],
  ['10.0001', '10.0039'],
  ['4.999.9', '5.0'],
  ['20101121', '20101122'],
  ['1.0~rc1', '1.0'],
  ['1.0~rc1', '1.0~rc2'],
  ['1.0~rc1~git123', '1.0~rc1'],
  ['1.0', '1.0^'],
  ['1.0', '1.0^git1'],
  ['1.0^git1', '1.0^git2'],
  ['1.0^git1', '1.01'],
  ['1.0^20160101', '1.0.1'],
  ['1.0~rc1', '1.0~rc1^git1'],
  ['1.0^git1~pre', '1.0^git1'],
];
const same: readonly (readonly [string, string])[] = [
  ['1.0', '1.0'],
  ['2_0', '2_0'],
  ['2.0', '2_0'],
  ['a', 'a'],
  ['a+', 'a_'],
  ['+', '_'],
  ['10.0001', '10.1'],
  ['1.0~rc1', '1.0~rc1'],
];

test('versions are in the order that rpm has them in', () => {
  for (const [a, b] of older) {
    assert.ok(compareVersions(a, b) < 0, `${a} < ${b}`);
    assert.ok(compareVersions(b, a) > 0, `${b} > ${a}`);
  }
  for (const [a, b] of same) {
    assert.equal(compareVersions(a, b), 0, `${a} = ${b}`);
    assert.equal(compareVersions(b, a), 0, `${b} = ${a}`);
  }
});

test('an epoch comes first, a release that is not said does not count, and 0 is not written', () => {
  assert.ok(compareEvr(parseEvr('1:1.0-1'), parseEvr('2.0-1')) > 0);
  assert.equal(compareEvr(parseEvr('1.0-1'), parseEvr('1.0')), 0);
  assert.equal(formatEvr(parseEvr('0:1.0-1')), '1.0-1');
  assert.equal(formatEvr(parseEvr('2:1.0~rc1-3.el8')), '2:1.0~rc1-3.el8');
  assert.ok(satisfies(parseEvr('1.0-2'), '>=', parseEvr('1.0')));
  assert.ok(!satisfies(parseEvr('1.0-2'), '<', parseEvr('1.0-2')));
});
