import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import * as v from 'valibot';

import type { AnyBackend } from '../contract/index.ts';
import { openHouse } from '../index.ts';
import { UserError } from '../model/index.ts';
import { prune, pruneable } from './prune.ts';

test('what cannot be removed now stays, with what it needs; the rest goes', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'repronim-prune-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  let isUp = false;
  const backend = {
    name: 'far',
    params: v.strictObject({ host: v.string() }),
    async removeImage(_image: unknown, { host }: { readonly host: string }) {
      if (host === 'down' && !isUp) throw new UserError('cannot connect to down', { status: 4, hint: 'later' });
    },
  } as unknown as AnyBackend;
  const house = { ...openHouse({ env: { REPRONIM_HOME: join(top, 'home') } }), backends: [backend] };
  const { images, rootfs } = house.inventory;
  const tree = (digest: string): string => join(top, digest);
  for (const [digest, host] of [
    ['r1', 'down'],
    ['r2', 'up'],
  ] as const) {
    mkdirSync(tree(digest));
    const value = { digest, directory: tree(digest), fetched: [], kept: [] };
    await using claim = await rootfs.reserve(digest, value);
    await claim.commit(value);
    const image = { backend: 'far', reference: `/there/${digest}`, rootfs: digest, params: { host }, facts: {} };
    await using made = await images.reserve(`far-${digest}`, image);
    await made.commit(image);
  }

  const { left, ...removed } = await prune(await pruneable(house), house);
  assert.deepEqual(
    left.map(({ name, because }) => [name, because.message]),
    [['far-r1', 'cannot connect to down']],
  );
  assert.deepEqual([removed.images, removed.rootfs], [['far-r2'], ['r2']]);
  assert.deepEqual([existsSync(tree('r1')), existsSync(tree('r2'))], [true, false]);
  assert.deepEqual(
    (await images.list()).map(({ name }) => name),
    ['far-r1'],
  );

  isUp = true;
  const again = await prune(await pruneable(house), house);
  assert.deepEqual([again.images, again.rootfs, again.left], [['far-r1'], ['r1'], []]);
  assert.deepEqual([await images.list(), existsSync(tree('r1'))], [[], false]);
});
