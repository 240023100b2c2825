import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Hall } from '../house.ts';
import { expandGroups, inTurns, membersOf } from './members.ts';

test('so many at a time, the answers in order', async () => {
  let running = 0;
  let most = 0;
  const answers = await inTurns([5, 1, 4, 2, 3], 2, async (item) => {
    most = Math.max(most, (running += 1));
    await sleep(item);
    running -= 1;
    return item * 2;
  });
  assert.deepEqual(answers, [10, 2, 8, 4, 6]);
  assert.equal(most, 2);
  assert.deepEqual(await inTurns([], 4, async () => 1), []);
});

test('after a failure nothing more is begun, and what was begun is waited for', async () => {
  const ended: number[] = [];
  const failing = inTurns([1, 2, 3, 4], 2, async (item) => {
    if (item === 1) throw new Error('one');
    await sleep(5);
    ended.push(item);
  });
  await assert.rejects(failing, { message: 'one' });
  assert.deepEqual(ended, [2]);
});

test('a group is its instances by number; a name that is nobody’s stays as it is', async () => {
  const named = (name: string, group?: string) => ({ name, status: 'made', value: { name, group } });
  const all = [named('lab-1', 'lab'), named('lab-10', 'lab'), named('lab-2', 'lab'), named('other')];
  const instances = { list: async () => all, find: async (name: string) => all.find((one) => one.name === name) };
  const hall = { inventory: { instances } } as unknown as Hall;
  assert.deepEqual(await membersOf('lab', hall), ['lab-1', 'lab-2', 'lab-10']);
  assert.deepEqual(await expandGroups(['other', 'lab', 'lab-1', 'nobody'], hall), [
    'other',
    'lab-1',
    'lab-2',
    'lab-10',
    'nobody',
  ]);
});
