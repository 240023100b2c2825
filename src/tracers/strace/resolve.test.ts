import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { lookHere } from './look.ts';
import { createResolver } from './resolve.ts';

function place(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'repronim-resolve-')));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'v1/bin'), { recursive: true });
  writeFileSync(join(folder, 'v1/bin/tool'), '');
  symlinkSync('v1', join(folder, 'current'));
  symlinkSync('current/bin/tool', join(folder, 'tool'));
  symlinkSync('/v1/bin/tool', join(folder, 'absolute'));
  symlinkSync('loop', join(folder, 'loop'));
  return folder;
}

test('every link on the way is named by its own folder', (t) => {
  const at = place(t);
  const resolver = createResolver(lookHere(0));
  const resolve = (path: string, follow: boolean) => resolver.resolve(path, follow);
  assert.deepEqual(resolve(`${at}/tool`, true), { path: `${at}/v1/bin/tool`, links: [`${at}/tool`, `${at}/current`] });
  assert.deepEqual(resolve(`${at}/tool`, false), { path: `${at}/tool`, links: [] });
  assert.deepEqual(resolve(`${at}/current/bin/../bin/tool`, true).path, `${at}/v1/bin/tool`);
  assert.deepEqual(resolve(`${at}/current/..//v1/.`, true).path, `${at}/v1`);
  assert.deepEqual(resolve(`${at}/v1/missing/x`, true), { path: `${at}/v1/missing/x`, links: [] });
  assert.equal(resolve('/', true).path, '/');
  assert.ok(resolve(`${at}/loop`, true).path.startsWith(at), 'a loop ends');
});

test('in a chroot, absolute links start at its root and nothing leads out', (t) => {
  const at = place(t);
  const resolver = createResolver(lookHere(0), at);
  const resolve = (path: string, follow: boolean) => resolver.resolve(path, follow);
  assert.deepEqual(resolve('/absolute', true), { path: `${at}/v1/bin/tool`, links: [`${at}/absolute`] });
  assert.equal(resolve('/../../v1', true).path, `${at}/v1`);
});
