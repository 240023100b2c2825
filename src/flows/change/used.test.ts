import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contexts } from '../../../test/fakes/contexts.ts';
import type { Entry, FileLock, Spec } from '../../model/index.ts';
import { keepList, readUsed } from '../files/used.ts';
import { withoutReplaced } from './used.ts';

const entry = (path: string, more: Partial<Entry>): Entry => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  ...more,
});

test('what a change replaced or took away is no longer what runs used here; what it laid again is', async (t) => {
  const { store } = contexts(t);
  const files: readonly FileLock[] = [
    { path: '/env/again.py', size: 1, sha256: 'a'.repeat(64) },
    { path: '/env/bin/python', link: '/usr/bin/python3' },
    { path: '/env/gone.pyc', size: 1, sha256: 'b'.repeat(64) },
    { path: '/env/newer.py', size: 1, sha256: 'c'.repeat(64) },
    { path: '/usr/bin/python3', link: 'python3.11' },
  ];
  const used = await keepList(files, store);
  const before: readonly FileLock[] = [
    { path: 'gone', directory: true },
    { path: 'here', directory: true },
  ];
  const run = { of: `sha256:${'0'.repeat(64)}`, as: { uid: 0, gid: 0, umask: '0022', home: '/' }, used, before };
  const runs = [{ command: ['x'], directory: '/env' }];
  const spec = { repronim: 1, runs, distributions: [], lock: { runs: { run } } } as unknown as Spec;
  const touched = new Map<string, Entry | undefined>([
    ['/env/again.py', entry('/env/again.py', { sha256: 'a'.repeat(64) })],
    ['/env/bin/python', entry('/env/bin/python', { type: 'link', target: '/usr/bin/python3' })],
    ['/env/gone', undefined],
    ['/env/gone.pyc', undefined],
    ['/env/newer.py', entry('/env/newer.py', { sha256: 'd'.repeat(64) })],
  ]);
  const after = await withoutReplaced(spec, touched, store);
  const left = await readUsed(after.lock?.runs?.['run']?.used, store);
  assert.deepEqual(
    left?.map(({ path }) => path),
    ['/env/again.py', '/env/bin/python', '/usr/bin/python3'],
  );
  assert.deepEqual(after.lock?.runs?.['run']?.before, [before[1]]);
  assert.equal(await withoutReplaced(after, touched, store).then((again) => again.lock?.runs?.['run']?.used?.files), 3);
});
