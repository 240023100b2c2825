import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Activations } from './activation.ts';
import { switchedOn } from './switched-on.ts';

const activations: Activations = {
  modules: [
    { do: 'prepend', name: 'PATH', value: '/apps/x/bin' },
    { do: 'set', name: 'X_HOME', value: '/apps/x' },
    { do: 'set', name: 'LOADEDMODULES', value: 'x/1' },
  ],
  env: [
    { do: 'set', name: 'VIRTUAL_ENV', value: '/env' },
    { do: 'prepend', name: 'PATH', value: '/env/bin' },
    { do: 'unset', name: 'PYTHONHOME' },
  ],
  other: [
    { do: 'set', name: 'VIRTUAL_ENV', value: '/other' },
    { do: 'prepend', name: 'PATH', value: '/other/bin' },
  ],
  npm: [{ do: 'prepend', name: 'PATH', value: '/usr/bin' }],
};
const env = {
  LC_ALL: 'C',
  LOADEDMODULES: 'x/1',
  PATH: '/env/bin:/apps/x/bin:/usr/bin',
  VIRTUAL_ENV: '/env',
  X_HOME: '/apps/x',
};

test('what distributions set again is left out, in the order in which they were switched on', () => {
  assert.deepEqual(switchedOn(env, env, activations), {
    with: ['modules', 'env'],
    environment: { LC_ALL: 'C', PATH: env.PATH },
  });
});

test('what was changed since is as it was', () => {
  const changed = { ...env, X_HOME: '/elsewhere' };
  assert.deepEqual(switchedOn(changed, changed, activations), {
    with: ['env'],
    environment: { LC_ALL: 'C', LOADEDMODULES: 'x/1', PATH: env.PATH, X_HOME: '/elsewhere' },
  });
  // PATH has something before it: to switch one of them on would move that
  const before = { ...env, PATH: `/mine:${env.PATH}` };
  assert.deepEqual(switchedOn(before, before, activations), { with: [], environment: before });
  // one comes first, the other does not
  const between = { ...env, PATH: '/env/bin:/mine:/apps/x/bin' };
  assert.deepEqual(switchedOn(between, between, activations).with, ['env']);
});

test('one that went on from what another set leaves both', () => {
  const appended = { ...env, X_HOME: '/more:/apps/x' };
  const { with: on, environment } = switchedOn(appended, appended, { modules: activations['modules'] ?? [] });
  assert.deepEqual([on, environment], [[], appended]);
  const both: Activations = {
    a: [{ do: 'set', name: 'L', value: '/a' }],
    b: [
      { do: 'set', name: 'B', value: '1' },
      { do: 'prepend', name: 'L', value: '/b' },
    ],
  };
  assert.deepEqual(switchedOn({ B: '1', L: '/b:/a' }, { B: '1', L: '/b:/a' }, both), {
    with: ['a', 'b'],
    environment: {},
  });
});

test('a variable that is not written down is set nevertheless only as it was', () => {
  const { X_HOME: _, ...kept } = env;
  assert.deepEqual(switchedOn(env, kept, activations).with, ['modules', 'env']);
  assert.deepEqual(switchedOn({ ...env, X_HOME: '/y' }, kept, activations).with, ['env']);
});
