import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clampTimes } from './clamp-times.ts';
import { encodeHeader, tarEnd, tarPadding } from './tar-header.ts';
import { readMembers } from './tar-members.ts';

const long = `a/${'é'.repeat(90)}`;
const member = (name: string, mtimeMs: number, content = '') => [
  encodeHeader({ name, type: 'file', mode: 0o644, uid: 0, gid: 0, size: content.length, mtimeMs }),
  Buffer.from(content),
  tarPadding(content.length),
];
const tar = Buffer.concat([
  ...member('old', 1_000_000_000_000, 'x'.repeat(700)),
  ...member(long, 2_000_000_000_000, 'y'.repeat(512)),
  ...member('at-once', 1_500_000_000_900),
  tarEnd,
]);

async function* pieces(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < tar.length; at += size) yield tar.subarray(at, at + size);
}

test('what was made after a moment has no time, whatever the pieces in which the tar comes', async () => {
  const whole = Buffer.concat(await Array.fromAsync(clampTimes(pieces(tar.length), 1_500_000_000_000)));
  async function* again() {
    yield whole;
  }
  const seen: [string, number][] = [];
  for await (const { name, mtimeMs } of readMembers(again())) seen.push([name, mtimeMs]);
  assert.deepEqual(seen, [
    ['old', 1_000_000_000_000],
    [long, 0],
    ['at-once', 0],
  ]);
  for (const size of [1, 511, 512, 513, 1000]) {
    assert.deepEqual(
      Buffer.concat(await Array.fromAsync(clampTimes(pieces(size), 1_500_000_000_000))),
      whole,
      `${size}`,
    );
  }
  assert.deepEqual(Buffer.concat(await Array.fromAsync(clampTimes(pieces(100), Infinity))), tar);
});
