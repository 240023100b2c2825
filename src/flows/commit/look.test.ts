import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { volatileMatcher, volatilePaths } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { lookForChanges } from './look.ts';

function tree(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'repronim-look-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const folder of ['etc', 'opt', 'tmp']) mkdirSync(join(directory, folder));
  writeFileSync(join(directory, 'etc/a'), 'a');
  writeFileSync(join(directory, 'etc/b'), 'b', { mode: 0o644 });
  writeFileSync(join(directory, 'etc/c'), 'c');
  symlinkSync('a', join(directory, 'etc/link'));
  return directory;
}

const options = { volatile: volatileMatcher(volatilePaths), manifest: undefined, signal: new AbortController().signal };

test('content, mode, target and what is there count; times and what is volatile do not', async (t) => {
  const [origin, now] = [tree(t), tree(t)];
  const same = await lookForChanges(localRoot(origin), localRoot(now), options);
  assert.deepEqual([same.added, same.changed, same.removed], [[], [], []]);
  writeFileSync(join(now, 'etc/a'), 'other');
  chmodSync(join(now, 'etc/b'), 0o600);
  rmSync(join(now, 'etc/c'));
  rmSync(join(now, 'etc/link'));
  symlinkSync('b', join(now, 'etc/link'));
  writeFileSync(join(now, 'opt/new'), '');
  writeFileSync(join(now, 'tmp/new'), '');
  const found = await lookForChanges(localRoot(origin), localRoot(now), options);
  assert.deepEqual(found.added, ['/opt/new']);
  assert.deepEqual(found.changed, ['/etc/a', '/etc/b', '/etc/link']);
  assert.deepEqual(found.removed, ['/etc/c']);
});

test('what was changed on purpose since counts as the origin', async (t) => {
  const [origin, now] = [tree(t), tree(t)];
  rmSync(join(now, 'etc/c'));
  writeFileSync(join(now, 'etc/a'), 'other');
  const first = await lookForChanges(localRoot(origin), localRoot(now), options);
  const touched = new Map([
    ['/etc/c', undefined],
    ['/etc/a', first.after.get('/etc/a')],
  ]);
  const again = await lookForChanges(localRoot(origin), localRoot(now), { ...options, touched });
  assert.deepEqual([again.added, again.changed, again.removed], [[], [], []]);
});
