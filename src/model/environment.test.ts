import assert from 'node:assert/strict';
import { test } from 'node:test';

import { applyChanges } from './environment.ts';

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
