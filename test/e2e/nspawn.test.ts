import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { chroot } from '../../src/backends/chroot/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { localRoot } from '../../src/roots/local.ts';
import { testBackend } from '../contract/backend.ts';
import { makeInstance } from '../contract/backend-fixture.ts';
import { haveOrSkip, need } from './need.ts';
import { slimRoot } from './roots.ts';

const { skip } = await haveOrSkip(async () => {
  if (process.getuid?.() !== 0) throw new Error('only root can use systemd-nspawn');
  await need('systemd-container');
});

const params = { enter: 'nspawn' } as const;
const module = new URL('../../src/backends/chroot/index.ts', import.meta.url);

testBackend({ backend: chroot, params, module, exported: 'chroot', rootfs: slimRoot, skip });

test('chroot with nspawn: the tree is the rootfs, nothing is written into it', { skip }, async () => {
  const rootfs = await slimRoot();
  const expected = await fingerprintOf(localRoot(rootfs.directory));
  await using made = await makeInstance(chroot, params, rootfs);
  await using session = await made.instance.session();
  await session.run(['sh', '-c', 'touch /run/seen /tmp/seen']);
  assert.deepEqual(await fingerprintOf(session.root), expected);
  const script = 'cat /run/seen /tmp/seen; ls -d /run/host; ls /proc/1/root 2>&1; grep NoNew /proc/self/status';
  const inside = (await session.run(['sh', '-c', script])).stdout.toString();
  assert.match(inside, /^ls: cannot access '\/proc\/1\/root': Permission denied\nNoNewPrivs:\t1\n$/);
  assert.deepEqual(readdirSync(join(made.state, 'upper')).sort(), ['run', 'tmp']);
});
