import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AptLock } from '../spec.ts';
import { omit } from './omit.ts';

test('files of locked packages are written down as removed, once; those of others are not', () => {
  const row = { version: '1', architecture: 'all', size: 1, sha256: '0'.repeat(64), why: 'used' } as const;
  const lock: AptLock = {
    of: 'sha256:',
    packages: [{ name: 'a', ...row }],
    changed: [{ path: '/etc/a', package: 'a:all', size: 1, sha256: '0'.repeat(64) }],
  };
  const files = new Map([
    ['/usr/share/a', [{ key: 'a:all' }]],
    ['/etc/a', [{ key: 'a:all' }]],
    ['/usr/share/b', [{ key: 'b:all' }]],
  ]);
  assert.deepEqual(omit(lock, files).changed, [
    { path: '/etc/a', package: 'a:all', removed: true },
    { path: '/usr/share/a', package: 'a:all', removed: true },
  ]);
  assert.equal(omit({ of: 'sha256:', packages: [] }, files).changed, undefined);
});
