import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AptLock, AptPackage, AptSpec } from '../spec.ts';
import { change } from './change.ts';
import { edit } from './edit.ts';

const spec: AptSpec = { type: 'debian', release: 'bookworm', packages: ['bash=5', 'jq=1.6', 'libc6:i386'] };

test('an edit changes what it names, and keeps the order that there was', () => {
  assert.deepEqual(edit(spec, { install: ['awk', 'jq=1.7'] }).packages, ['awk', 'bash=5', 'jq=1.7', 'libc6:i386']);
  assert.deepEqual(edit(spec, { uninstall: ['jq', 'libc6:i386'] }).packages, ['bash=5']);
  assert.deepEqual(edit(spec, { upgrade: ['jq'] }).packages, ['bash=5', 'jq', 'libc6:i386']);
  assert.deepEqual(edit(spec, { upgrade: true }).packages, ['bash', 'jq', 'libc6:i386']);
  assert.deepEqual(edit({ ...spec, packages: ['zsh', 'awk'] }, { install: ['jq'] }).packages, ['zsh', 'awk', 'jq']);
  assert.equal('packages' in edit({ ...spec, packages: ['jq'] }, { uninstall: ['jq'] }), false);
  assert.throws(() => edit(spec, { uninstall: ['nothing'] }), { status: 2 });
  assert.throws(() => edit(spec, { install: ['-o=x y'] }), { status: 2, message: '"-o=x y" is no package' });
});

const one = (name: string, version: string, more: Partial<AptPackage> = {}): AptPackage => ({
  name,
  version,
  architecture: 'amd64',
  size: 1,
  sha256: Buffer.from(`${name} ${version}`.padEnd(32)).toString('hex'),
  why: 'used',
  ...more,
});
const exact = (packages: readonly AptPackage[], more: Partial<AptLock> = {}) => ({
  spec: { type: 'debian', sources: [] } as AptSpec,
  lock: { of: 'sha256:', packages, ...more } as AptLock,
  made: {},
});

test('a change is packages out and in, and what the two plans do not have in common', () => {
  const from = exact([one('bash', '5'), one('jq', '1.6'), one('old', '1', { repacked: true })], {
    changed: [{ path: '/etc/x', package: 'bash:amd64', size: 1, sha256: 'a'.repeat(64) }],
  });
  const to = exact([one('bash', '5'), one('jq', '1.7', { architecture: 'all' }), one('awk', '1', { hold: true })], {
    changed: [{ path: '/etc/x', package: 'bash:amd64', size: 1, sha256: 'a'.repeat(64) }],
    alternatives: { awk: '/usr/bin/mawk' },
  });
  const steps = change(from, to);
  const file = (name: string) => {
    const found = steps.find((step) => step.do === 'write' && step.path === `/.repronim-change/${name}`);
    return found?.do === 'write' ? found.content : undefined;
  };
  assert.equal(file('gone'), 'jq:amd64\nold:amd64\n');
  assert.equal(file('new'), '/.repronim-change/0.deb\n/.repronim-change/1.deb\n');
  assert.equal(file('holds'), 'awk:amd64 hold\n');
  assert.deepEqual(file('1.deb'), { sha256: one('awk', '1').sha256, size: 1 });
  const runs = steps.flatMap((step) => (step.do === 'run' ? [step.argv.at(-1)] : []));
  assert.equal(runs.length, 2); // the script, and the alternative
  assert.equal(runs[1], '/usr/bin/mawk');
  assert.ok(!steps.some((step) => 'path' in step && step.path === '/etc/x'));
  assert.deepEqual(change(to, to), []);
});
