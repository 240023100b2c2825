import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { runProcess } from '../../../sessions/process.ts';
import { inflate } from './inflate.ts';

const paragraph = 'Package: hello\nVersion: 2.10-3\nArchitecture: amd64\n\n';
// long repeats, short ones, and what can't be compressed
const text = Buffer.concat([
  Buffer.from(paragraph.repeat(3000)),
  randomBytes(70_000),
  Buffer.from('aaaaaaaaab'.repeat(9000)),
  Buffer.from(paragraph),
]);

test('gzip, zstd and plain text', async () => {
  assert.deepEqual(await inflate(gzipSync(text)), text);
  assert.deepEqual(await inflate(zstdCompressSync(text)), text);
  const frames = [text.subarray(0, 9), text.subarray(9)].map((part) => zstdCompressSync(part));
  assert.deepEqual(await inflate(Buffer.concat(frames)), text);
  assert.deepEqual(await inflate(text), text);
  assert.equal((await inflate(Buffer.alloc(0))).length, 0);
});

for (const [program, ...options] of [
  ['lz4', '-c', '-'],
  ['lz4', '-9', '-BD', '-B4', '--content-size', '-c', '-'],
  ['lz4', '-B4', '--no-frame-crc', '-c', '-'],
  ['xz', '-c'],
  ['bzip2', '-c'],
] as const) {
  test(`${program} ${options.join(' ')}`, async (t) => {
    if (!existsSync(`/usr/bin/${program}`) && !existsSync(`/bin/${program}`)) return t.skip(`no ${program} here`);
    const { stdout } = await runProcess([program, ...options], { input: text });
    assert.deepEqual(await inflate(stdout), text);
    if (program !== 'lz4') return;
    // whatever is cut or flipped ends in an error or in other bytes, never in a hang
    await assert.rejects(inflate(stdout.subarray(0, stdout.length >> 1)));
  });
}
