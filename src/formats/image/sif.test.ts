import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { openSif, sifToTar } from './open-sif.ts';
import { isSif, parseSif } from './sif.ts';
import { sifLabels, writeSif } from './write-sif.ts';

test('a SIF is read as it was written, and is the same bytes each time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-sif-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const squashfs = join(folder, 'root.squashfs');
  const content = Buffer.alloc(5000, 'hsqs');
  writeFileSync(squashfs, content);
  const labels = sifLabels('arm64', { a: 'one' });
  const parts = { squashfs, architecture: 'arm64', labels, spec: 'repronim: 1\n' };
  for (const name of ['one', 'two']) await writeSif(parts, join(folder, name));
  const bytes = readFileSync(join(folder, 'one'));
  assert.deepEqual(readFileSync(join(folder, 'two')), bytes);
  assert.ok(isSif(bytes));

  const { definition, system, spec, ...said } = openSif(join(folder, 'one'));
  assert.deepEqual(said, { architecture: 'arm64', labels });
  assert.match(definition ?? '', /^Bootstrap: scratch$/m);
  assert.equal(spec?.toString(), 'repronim: 1\n');
  assert.ok(system !== undefined && system.offset % 4096 === 0);
  assert.deepEqual(bytes.subarray(system.offset, system.offset + system.size), content);

  // another lock is another id, and an unknown architecture is refused rather than guessed
  await writeSif({ ...parts, labels: sifLabels('arm64', { a: 'other' }) }, join(folder, 'other'));
  assert.notDeepEqual(readFileSync(join(folder, 'other')).subarray(48, 64), bytes.subarray(48, 64));
  await assert.rejects(writeSif({ ...parts, architecture: 'vax' }, join(folder, 'vax')), /vax/);
});

test('what is no SIF, has no file system, or one that is encrypted, is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-sif-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const squashfs = join(folder, 'root.squashfs');
  const file = join(folder, 'file.sif');
  writeFileSync(squashfs, 'hsqs');
  await writeSif({ squashfs, architecture: 'amd64', labels: {}, spec: undefined }, file);
  const bytes = readFileSync(file);
  const refused = async (change: (bytes: Buffer) => void, message: RegExp) => {
    const changed = Buffer.from(bytes);
    change(changed);
    writeFileSync(file, changed);
    await assert.rejects(sifToTar(file, join(folder, 'tar'), AbortSignal.timeout(10_000)), message);
  };
  const partition = 4096 + 2 * 585;
  await refused((changed) => changed.fill(0, 32, 41), /is no SIF/);
  await refused((changed) => changed.fill(0, partition + 4, partition + 5), /has no file system/);
  await refused((changed) => changed.writeInt32LE(5, partition + 201), /is encrypted/);
});

test('what a SIF claims of its size costs nothing', () => {
  const header = Buffer.alloc(128);
  header.write('SIF_MAGIC\u0000', 32, 'latin1');
  header.writeBigInt64LE(4096n, 88);
  header.writeBigInt64LE(128n, 96);
  let read = 0;
  const descriptor = Buffer.alloc(585);
  descriptor.writeInt32LE(0x4003, 0);
  descriptor.writeUInt8(1, 4);
  descriptor.writeBigInt64LE(4_000_000n, 25);
  const table = Buffer.concat(Array.from({ length: 4096 }, () => descriptor));
  const found = parseSif((offset, length) => {
    if (offset === 0 && length === 128) return header;
    if (offset === 128) return table;
    read += length;
    return Buffer.alloc(length, ' ');
  });
  assert.deepEqual(found?.labels, {});
  assert.ok(read < 100_000_000, `${read}`);
});
