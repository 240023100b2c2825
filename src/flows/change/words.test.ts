import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AnyDistribution } from '../../contract/index.ts';
import type { Spec } from '../../model/index.ts';
import { targetsOf, type Asked } from './words.ts';

const plugin = (type: string, able: boolean): AnyDistribution =>
  ({ type, title: type.toUpperCase(), ...(able ? { edit() {}, change() {}, resolve() {} } : {}) }) as never;
const distributions = [plugin('debian', true), plugin('venv', true), plugin('git', false)];
const debian = { type: 'debian' };
const spec = (...entries: readonly { readonly type: string; readonly id?: string }[]): Spec => ({
  repronim: 1,
  distributions: entries,
});
const targets = (of: Spec, what: Asked['do'], ...words: string[]) =>
  targetsOf({ do: what, words }, of, distributions).map(({ id, edit, renew }) => [id, edit, renew]);

test('words go to the distribution that they name, by its id or its type', () => {
  const both = spec(debian, { type: 'venv', id: 'env' }, { type: 'git' });
  assert.deepEqual(targets(both, 'install', 'debian:jq', 'env:nilearn==0.10.4', 'debian:jq:i386', 'venv:numpy'), [
    ['debian', { install: ['jq', 'jq:i386'] }, []],
    ['env', { install: ['nilearn==0.10.4', 'numpy'] }, []],
  ]);
  assert.throws(() => targets(both, 'install', 'jq'), { status: 2, hint: 'say which: debian:jq, env:jq' });
  assert.throws(() => targets(both, 'install', 'git:x'), { status: 4, hint: /install works for debian, env;/ });
  const twice = spec(debian, { type: 'venv', id: 'a' }, { type: 'venv', id: 'b' });
  assert.throws(() => targets(twice, 'install', 'venv:x'), { status: 2, hint: 'say which: a:x, b:x' });
});

test('without a prefix the only one that can be meant is, and what is no prefix belongs to the name', () => {
  const one = spec(debian, { type: 'git' });
  assert.deepEqual(targets(one, 'uninstall', 'jq', 'libc6:i386'), [
    ['debian', { uninstall: ['jq', 'libc6:i386'] }, []],
  ]);
  assert.throws(() => targets(spec({ type: 'git' }), 'install', 'jq'), { status: 4, hint: /create another/ });
});

test('upgrade without words is of everything that can be', () => {
  const both = spec(debian, { type: 'venv', id: 'env' }, { type: 'git' });
  assert.deepEqual(targets(both, 'upgrade'), [
    ['debian', { upgrade: true }, true],
    ['env', { upgrade: true }, true],
  ]);
  assert.deepEqual(targets(both, 'upgrade', 'env:', 'debian:jq'), [
    ['env', { upgrade: true }, true],
    ['debian', { upgrade: ['jq'] }, ['jq']],
  ]);
});
