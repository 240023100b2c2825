import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fakeDistribution } from '../../test/fakes/distribution.ts';
import type { AnyDistribution, Need } from '../contract/index.ts';
import type { Spec } from '../model/index.ts';
import { addedBase, baseReason, withBase } from './default-base.ts';
import type { House } from './house.ts';

const overlay = (type: string, needs: readonly Need[]): AnyDistribution =>
  ({ ...fakeDistribution, type, bootstrap: undefined, needs: () => needs }) as unknown as AnyDistribution;
const alone = (type: string, own: boolean): AnyDistribution => ({
  ...fakeDistribution,
  type,
  async asBase(needs: readonly Need[]) {
    return {
      spec: { type, release: 'r1', packages: needs.flatMap(({ debian }) => debian) },
      own,
    };
  },
});
const need = (program: string): Need => ({ program, debian: [program], redhat: [] });
const house = (distributions: readonly AnyDistribution[], defaults: Record<string, unknown> = {}): House =>
  ({ distributions, settings: (name: string) => (name === 'defaults' ? defaults : {}) }) as unknown as House;
const spec = (...types: string[]): Spec => ({ repronim: 1, distributions: types.map((type) => ({ type })) });

test('a spec of overlays gets the base that this machine is, with what they need', async () => {
  const all = [alone('a', false), alone('b', true), overlay('git', [need('git')]), overlay('venv', [need('python3')])];
  const before = spec('git', 'venv');
  const after = await withBase(before, house(all));
  const added = addedBase(before, after);
  assert.deepEqual(added, { type: 'b', release: 'r1', packages: ['git', 'python3'] });
  assert.equal(baseReason(added ?? { type: '' }), 'b r1 with git, python3, by default: the spec names no base');
  assert.deepEqual(after.distributions.slice(1), before.distributions);
  assert.equal(addedBase(after, await withBase(after, house(all))), undefined);
});

test('the settings choose another one, and a wrong one is said', async () => {
  const all = [alone('a', false), alone('b', true), overlay('git', [])];
  const after = await withBase(spec('git'), house(all, { base: 'a' }));
  assert.equal(after.distributions[0]?.type, 'a');
  await assert.rejects(withBase(spec('git'), house(all, { base: 'git' })), { status: 2, hint: /known: a, b/ });
});

test('what can say of no release is no base, unless the settings ask for it: then that is said', async () => {
  const silent: AnyDistribution = { ...alone('c', false), asBase: async () => undefined };
  const all = [silent, alone('b', false), overlay('git', [])];
  assert.equal((await withBase(spec('git'), house(all))).distributions[0]?.type, 'b');
  await assert.rejects(withBase(spec('git'), house(all, { base: 'c' })), { status: 2, hint: /\[c\] of the settings/ });
});

test('what stands alone, or is nothing, stays as it is', async () => {
  const all = [alone('a', true), overlay('git', [])];
  for (const one of [spec('a', 'git'), spec('a'), spec()]) assert.equal(await withBase(one, house(all)), one);
});
