import assert from 'node:assert/strict';
import { test } from 'node:test';

import { UserError } from '../../model/index.ts';
import { refuseMissing } from './obtain.ts';

const sha256 = '0'.repeat(64);

test('what can be had nowhere is named with where it was sought, in few lines', () => {
  const folders = ['a', 'b', 'c', 'd'].map((name) => ({ label: `/pkgs/${name}`, because: 'not there' }));
  const tried = [...folders, { label: 'http://channel.example/x.conda', because: '404' }];
  const few = caught(() => refuseMissing([{ what: 'x 1', sha256, tried }]));
  assert.equal(few.message, 'x 1 can be had nowhere');
  assert.deepEqual(few.details, [
    'x 1',
    '  not in /pkgs/a, /pkgs/b, /pkgs/c, /pkgs/d',
    '  http://channel.example/x.conda: 404',
  ]);

  const two = [
    { label: "apt's cache", because: 'not there' },
    { label: 'pool', because: '404' },
  ];
  const both = caught(() =>
    refuseMissing([
      { what: 'p', sha256, tried: two },
      { what: 'q', sha256, tried: [] },
    ]),
  );
  assert.equal(both.message, '2 things can be had nowhere');
  assert.deepEqual(both.details.slice(0, 4), ['p', "  apt's cache: not there", '  pool: 404', 'q']);
});

function caught(act: () => void): UserError {
  try {
    act();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
