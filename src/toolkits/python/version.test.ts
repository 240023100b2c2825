import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRequirement } from './requirement.ts';
import { compareVersions, satisfiesVersion } from './version.ts';

test('versions are ordered as PEP 440 has them', () => {
  // each before the next; packaging 23 says the same
  const order = [
    '1.0.dev456', '1.0a1', '1.0a2.dev456', '1.0a12.dev456', '1.0a12', '1.0b1.dev456', '1.0b2', '1.0b2.post345.dev456',
    '1.0b2.post345', '1.0rc1.dev456', '1.0rc1', '1.0', '1.0+abc.5', '1.0+abc.7', '1.0+5', '1.0.post456.dev34',
    '1.0.post456', '1.0.15', '1.1.dev1', '1!0.1',
  ]; // prettier-ignore
  for (const [index, version] of order.entries()) {
    for (const [other, than] of order.entries()) {
      assert.equal(Math.sign(compareVersions(version, than)), Math.sign(index - other), `${version} and ${than}`);
    }
  }
  for (const [a, b] of [
    ['1.0', '1'],
    ['1.0-1', '1.0.post1'],
    ['v1.0RC1', '1.0c1'],
    ['1.0-alpha', '1.0a0'],
  ] as const)
    assert.equal(compareVersions(a, b), 0, `${a} and ${b}`);
  assert.ok(compareVersions('nonsense', '0') < 0);
});

test('what satisfies', () => {
  const yes = [
    ['5.0.1', '>=5,<6'], ['1.4.5', '~=1.4'], ['1.4.5', '~=1.4.2'], ['2.0+local', '==2.0'], ['1.1.post1', '==1.1.*'],
    ['1.2', '!=1.1.*'], ['1.0a1', '<2'], ['3', ''], ['1.0', '===1.0'],
  ] as const; // prettier-ignore
  const no = [
    ['6', '>=5,<6'], ['2.0', '~=1.4'], ['1.5.0', '~=1.4.2'], ['2.0a1', '<2.0'], ['1.7.post1', '>1.7'], ['1.7+x', '>1.7'],
    ['1.0', '==1.0+x'], ['1.0', '===1'], ['1.1', '!=1.1.*'], ['1', '~=1'], ['x', '>=1'], ['1', 'nonsense'],
  ] as const; // prettier-ignore
  for (const [version, specifier] of yes) assert.ok(satisfiesVersion(version, specifier), `${version} ${specifier}`);
  for (const [version, specifier] of no) assert.ok(!satisfiesVersion(version, specifier), `${version} ${specifier}`);
});

test('requirements', () => {
  const parsed = parseRequirement('Requests[security, socks] (>=2.8.1, <3) ; python_version < "3.12"');
  assert.deepEqual(parsed, {
    name: 'requests',
    written: 'Requests',
    extras: ['security', 'socks'],
    specifier: '>=2.8.1,<3',
    marker: 'python_version < "3.12"',
  });
  for (const none of [
    '',
    '-e .',
    '--index-url=x',
    'a @ https://example.org/a.whl',
    './a',
    'a b',
    'a>=1 --hash=x',
    'a'.repeat(5000),
  ])
    assert.equal(parseRequirement(none), undefined, none.slice(0, 20));
});
