import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AnyDistribution } from '../contract/index.ts';
import type { Spec } from '../model/index.ts';
import { activationsOf, activeFor, withActive } from './activation.ts';

const plugins = [
  { type: 'debian' },
  {
    type: 'venv',
    activate: ({ path }: { path: string }) => [
      { do: 'set', name: 'VIRTUAL_ENV', value: path },
      { do: 'prepend', name: 'PATH', value: `${path}/bin` },
    ],
  },
] as unknown as readonly AnyDistribution[];
const spec: Spec = {
  repronim: 1,
  runs: [{ command: ['a'] }, { command: ['b'], with: ['two', 'one'] }, { command: ['c'], environment: { PATH: '/x' } }],
  distributions: [
    { type: 'venv', id: 'two', base: 'one', path: '/two' } as never,
    { type: 'venv', id: 'one', base: 'debian', path: '/one' } as never,
    { type: 'debian' },
  ],
};
const activations = activationsOf(spec, plugins);
const [first, second, third] = spec.runs ?? [];

test('what a run names is active; else all, each after its base; none where the traced PATH tells it', () => {
  assert.deepEqual(Object.keys(activations), ['two', 'one', 'debian']);
  assert.deepEqual(activeFor(spec, first, activations), ['one', 'two']);
  assert.deepEqual(activeFor(spec, second, activations), ['two', 'one']);
  assert.deepEqual(activeFor(spec, third, activations), []);
  assert.deepEqual(activeFor({ ...spec, environment: { PATH: '/usr/bin' } }, first, activations), []);
  assert.deepEqual(activeFor({ ...spec, environment: { PATH: '/usr/bin' } }, second, activations), ['two', 'one']);
});

test('they are switched on in order; an id that is not there is said', () => {
  assert.deepEqual(withActive({ PATH: '/bin' }, ['one', 'two'], activations), {
    PATH: '/two/bin:/one/bin:/bin',
    VIRTUAL_ENV: '/two',
  });
  assert.deepEqual(withActive({ PATH: '/bin' }, ['debian'], activations), { PATH: '/bin' });
  assert.throws(() => withActive({}, ['toString'], activations), { status: 2, hint: 'there are: two, one, debian' });
});
