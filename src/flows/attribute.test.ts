import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { contexts } from '../../test/fakes/contexts.ts';
import { fakeDistribution } from '../../test/fakes/distribution.ts';
import { installFake, scratch } from '../../test/fakes/fake-root.ts';
import type { AnyDistribution } from '../contract/index.ts';
import { UserError } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { attribute } from './attribute.ts';

/** Another that claims what the fake one has, and breaks down over it. */
function breaking(where: 'claim' | 'describe', error: Error): AnyDistribution {
  return {
    ...fakeDistribution,
    type: 'greedy',
    title: 'Greedy',
    async claim(paths: readonly string[]) {
      if (where === 'claim') throw error;
      return new Map(paths.map((path) => [path, [{ key: 'all' }]]));
    },
    async describe(owned: ReadonlyMap<string, unknown>) {
      if (owned.size > 0) throw error;
      return { distributions: [], notes: [] };
    },
  };
}

test('a distribution that breaks down costs itself a note, and its paths are the others’', async (t) => {
  const directory = installFake(join(scratch(t, 'attribute'), 'root'), {
    tool: { version: '1', files: { '/bin/tool': 'tool' } },
  });
  await using root = localRoot(directory);
  const { tracing } = contexts(t);
  for (const where of ['claim', 'describe'] as const) {
    const broken = breaking(where, new RangeError('offset is outside of the bounds'));
    const { owned, described, notes } = await attribute(['/bin/tool'], root, [broken, fakeDistribution], tracing);
    assert.equal(owned.get('/bin/tool')?.type, 'fake', where);
    assert.deepEqual(
      described.map(({ type }) => type),
      ['fake'],
    );
    assert.deepEqual(
      notes.map(({ kind, about }) => [kind, about]),
      [['unreadable', 'greedy']],
    );
  }
});

test('what is for people, or of the machine, is not caught', async (t) => {
  const directory = installFake(join(scratch(t, 'attribute'), 'root'), {});
  await using root = localRoot(directory);
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  for (const error of [new UserError('too large'), full]) {
    await assert.rejects(attribute(['/a'], root, [breaking('describe', error)], contexts(t).tracing), error);
  }
});
