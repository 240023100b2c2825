import assert from 'node:assert/strict';
import { test } from 'node:test';

import { carryOver } from './three-way.ts';

test('what two descriptions say alike stays as it is held, what differs is carried over', () => {
  const held = { release: 'bookworm', packages: ['hello', 'python3'], note: 'mine' };
  const before = { release: 'bookworm', architecture: 'amd64', packages: ['hello=2', 'python3=3.11'] };
  const after = { release: 'bookworm', architecture: 'amd64', packages: ['jq=1.6', 'python3=3.12'] };
  assert.deepEqual(carryOver(held, before, after), {
    release: 'bookworm',
    packages: ['jq=1.6', 'python3'],
    note: 'mine',
  });
  assert.equal(carryOver(held, before, structuredClone(before)), held);
});

test('rows are told apart by name and architecture, wherever they come from', () => {
  const row = (name: string, version: string, more: object = {}) => ({ name, version, architecture: 'amd64', ...more });
  const held = [row('a', '1', { from: 'snapshot', path: 'pool/old/a.deb' }), row('b', '1'), row('c', '1')];
  const before = [row('a', '1', { repacked: true }), row('b', '1'), row('c', '1')];
  const after = [row('a', '1', { repacked: true }), row('c', '2'), row('d', '1')];
  assert.deepEqual(carryOver(held, before, after), [held[0], row('c', '2'), row('d', '1')]);
});

test('a package that was packed once more with what was changed in it stays what it was', () => {
  const row = (sha256: string, version = '1') => ({ name: 'a', version, repacked: true, contents: 'sha256:c', sha256 });
  assert.deepEqual(carryOver([row('h')], [row('b')], [row('n')]), [row('h')]);
  assert.deepEqual(carryOver([row('h')], [row('h')], [row('n', '2')]), [row('n', '2')]);
});

test('rows of one name in several places are told apart by their places', () => {
  const at = (path: string, version: string) => ({ name: 'x', path, version });
  const before = [at('m/x', '1'), at('m/y/m/x', '2')];
  const after = [at('m/x', '1'), at('m/y/m/x', '3')];
  assert.deepEqual(carryOver(before, structuredClone(before), after), after);
});

test('content is one thing, never mixed from two', () => {
  const was = { tree: { sha256: 'a', size: 1 } };
  assert.deepEqual(carryOver({ tree: { sha256: 'h', size: 9 } }, was, { tree: { sha256: 'b', size: 1 } }), {
    tree: { sha256: 'b', size: 1 },
  });
});
