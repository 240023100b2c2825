import assert from 'node:assert/strict';
import { test } from 'node:test';

import { volatileMatcher, volatilePaths } from './volatile.ts';

test('a path, a tree, the content of a folder, and globs', () => {
  const matcher = volatileMatcher([
    { pattern: '/exact', because: 'a' },
    { pattern: '/tree/', because: 'b' },
    { pattern: '/content/**', because: 'c' },
    { pattern: '/home/*/.git/', because: 'd' },
    { pattern: '/x/**/*.p+c', because: 'e' },
  ]);
  const because = {
    '/': undefined,
    '/exact': 'a',
    '/exact/below': undefined,
    '/exactly': undefined,
    '/tree': 'b',
    '/tree/a/b': 'b',
    '/trees': undefined,
    '/content': undefined,
    '/content/a/b': 'c',
    '/home/u/.git': undefined,
    '/home/u/.git/index': 'd',
    '/home/u/v/.git/index': undefined,
    '/x/a.p+c': 'e',
    '/x/y/z/a.p+c': 'e',
    '/x/y/appc': undefined,
    '/x/new\nline.p+c': 'e',
  };
  for (const [path, reason] of Object.entries(because)) assert.equal(matcher.because(path), reason, path);
  assert.deepEqual(matcher.except, ['/tree', '/content']);
  assert.deepEqual(matcher.alone, ['/content']);
});

test('the published list is short and each has its reason', () => {
  assert.ok(volatilePaths.length < 25);
  assert.ok(volatilePaths.every(({ because }) => because.length > 5));
  assert.equal(new Set(volatilePaths.map(({ pattern }) => pattern)).size, volatilePaths.length);
});
