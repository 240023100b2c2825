import assert from 'node:assert/strict';
import { test } from 'node:test';

import { applyChanges, netChanges } from './environment.ts';

test('changes are made in order, and the last prepended comes first', () => {
  const env = { PATH: '/usr/bin:/env/bin:/bin', PYTHONHOME: '/x' };
  const changed = applyChanges(env, [
    { do: 'set', name: 'VIRTUAL_ENV', value: '/env' },
    { do: 'prepend', name: 'PATH', value: '/env/bin' },
    { do: 'prepend', name: 'PATH', value: '/conda/bin' },
    { do: 'prepend', name: 'LD_LIBRARY_PATH', value: '/env/lib' },
    { do: 'unset', name: 'PYTHONHOME' },
  ]);
  assert.deepEqual(changed, {
    PATH: '/conda/bin:/env/bin:/usr/bin:/bin',
    VIRTUAL_ENV: '/env',
    LD_LIBRARY_PATH: '/env/lib',
  });
  assert.equal(env.PATH, '/usr/bin:/env/bin:/bin');
});

test('of what is set, only the end is left', () => {
  assert.deepEqual(
    netChanges([
      { do: 'set', name: 'PATH', value: '/env/bin:/usr/bin' },
      { do: 'prepend', name: 'MANPATH', value: '/a' },
      { do: 'prepend', name: 'PATH', value: '/env/bin' },
      { do: 'prepend', name: 'MANPATH', value: '/b' },
      { do: 'set', name: 'GONE', value: 'x' },
      { do: 'unset', name: 'GONE' },
    ]),
    [
      { do: 'prepend', name: 'MANPATH', value: '/a' },
      { do: 'set', name: 'PATH', value: '/env/bin:/usr/bin' },
      { do: 'prepend', name: 'MANPATH', value: '/b' },
      { do: 'unset', name: 'GONE' },
    ],
  );
});
