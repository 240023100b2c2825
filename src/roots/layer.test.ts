import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { sha256, type Entry } from '../model/index.ts';
import { layerOf } from './layer.ts';
import { localRoot } from './local.ts';
import { tarRoot } from './tar.ts';

test('a layer is the tree, the same bytes each time, with the owners of the manifest', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-layer-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const directory = join(folder, 'root');
  mkdirSync(join(directory, 'usr/bin'), { recursive: true });
  mkdirSync(join(directory, 'a-b'));
  mkdirSync(join(directory, 'a'));
  writeFileSync(join(directory, 'a/file'), Buffer.alloc(300_000, 'piece'));
  writeFileSync(join(directory, 'a/none'), '');
  writeFileSync(Buffer.concat([Buffer.from(join(directory, 'a/')), Buffer.of(0xfe)]), 'odd');
  writeFileSync(join(directory, 'usr/bin/run'), '#!/bin/sh\n');
  chmodSync(join(directory, 'usr/bin/run'), 0o4755);
  linkSync(join(directory, 'usr/bin/run'), join(directory, 'a/again'));
  symlinkSync('usr/bin', join(directory, 'bin'));
  utimesSync(join(directory, 'a/file'), 1_000_000_000.5, 1_000_000_000.5);

  let told = 0;
  const whole = async (manifest?: string) => {
    told = 0;
    const rootfs = { directory, ...(manifest !== undefined && { manifest }) };
    return Buffer.concat(await Array.fromAsync(layerOf(rootfs, (bytes) => (told += bytes))));
  };
  const first = await whole();
  assert.equal(told, first.length);
  assert.equal(sha256(await whole()), sha256(first));

  await using seen = await tarRoot(pieces(first), 'layer');
  const isInside = ({ path }: Entry) => path !== '/'; // its own mode is the place's
  const inside = (await Array.fromAsync(seen.scan())).filter(isInside);
  assert.deepEqual(inside, (await Array.fromAsync(localRoot(directory).scan())).filter(isInside));
  const stats = await seen.lstat(['/a/file', '/a/again', '/usr/bin/run']);
  assert.equal(stats[0]?.mtimeMs, 1_000_000_000_000);
  assert.equal(stats[1]?.inode, stats[2]?.inode);

  const manifest = join(folder, 'manifest');
  writeFileSync(manifest, '{"path":"/a/file","uid":7,"gid":8,"mode":"2640"}\n');
  await using owned = await tarRoot(pieces(await whole(manifest)), 'layer');
  const [given, other] = await owned.lstat(['/a/file', '/a/none']);
  assert.deepEqual([given?.uid, given?.gid, given?.mode, other?.uid], [7, 8, 0o2640, 0]);
});

async function* pieces(whole: Buffer): AsyncIterable<Buffer> {
  yield whole;
}
