import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as v from 'valibot';

import { changeSteps, packageChangeSchema, withoutFiles, type PackageChange } from './package-changes.ts';

test('files of locked packages are written down as removed, once; those of others are not', () => {
  const lock = { changed: [{ path: '/etc/a', package: 'a:all', size: 1, sha256: '0'.repeat(64) }] };
  const keys = new Set(['a:all']);
  const files = new Map([
    ['/usr/share/a', [{ key: 'a:all' }]],
    ['/etc/a', [{ key: 'a:all' }]],
    ['/usr/share/b', [{ key: 'b:all' }]],
  ]);
  assert.deepEqual(withoutFiles(lock, keys, files).changed, [
    { path: '/etc/a', package: 'a:all', removed: true },
    { path: '/usr/share/a', package: 'a:all', removed: true },
  ]);
  const nothing: { readonly changed?: readonly PackageChange[] } = {};
  assert.equal(withoutFiles(nothing, new Set(), files), nothing);
});

test('a change is one of three, and what is not carried makes no step', () => {
  const about = { path: '/etc/a', package: 'a' };
  const content = { size: 1, sha256: '0'.repeat(64) };
  const good = [
    { ...about, ...content, mode: '0640', gid: 7 },
    { ...about, link: 'b' },
    { ...about, removed: true },
  ];
  for (const one of [...good, { ...about, left: 'private' }]) assert.ok(v.is(packageChangeSchema, one));
  for (const one of [about, { ...about, ...content, link: 'b' }]) assert.ok(!v.is(packageChangeSchema, one));
  assert.deepEqual(
    changeSteps([...good, { ...about, left: 'private' }]).map((step) => ({ ...step, because: '' })),
    [
      { do: 'write', path: '/etc/a', content, mode: '0640', gid: 7, because: '' },
      { do: 'link', path: '/etc/a', target: 'b', because: '' },
      { do: 'remove', path: '/etc/a', because: '' },
    ],
  );
});
