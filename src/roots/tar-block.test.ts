import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { isSumRight, isZeroBlock, readName, readNumber, readRecords } from './tar-block.ts';
import { encodeBlock } from './tar-header.ts';

test('the header that GNU tar writes of a file of before 1970', () => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-tar-block-'));
  try {
    const file = join(folder, 'old');
    writeFileSync(file, 'old');
    utimesSync(file, new Date(-86_401_000), new Date(-86_401_000));
    const options = ['--format=gnu', '--owner=nobody:3000000', '--group=nogroup:7'];
    const tar = execFileSync('tar', ['-C', folder, ...options, '-c', 'old']);
    const block = tar.subarray(0, 512);
    assert.ok(isSumRight(block));
    assert.equal(readName(block).toString(), 'old');
    const numbers = [readNumber(block, 108, 8), readNumber(block, 116, 8), readNumber(block, 124, 12)];
    assert.deepEqual(numbers, [3_000_000, 7, 3]);
    assert.equal(readNumber(block, 136, 12), -86_401);
    assert.ok(!isZeroBlock(block) && isZeroBlock(tar.subarray(1024, 1536)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what octal digits do not hold is in base 256, as GNU has it', () => {
  const fields = { kind: '0', name: Buffer.from('n'), mode: 0, uid: 2 ** 31, gid: 0, size: 2 ** 40, mtime: 0 };
  const block = encodeBlock(fields, 'gnu');
  assert.ok(isSumRight(block));
  assert.deepEqual([readNumber(block, 108, 8), readNumber(block, 124, 12)], [2 ** 31, 2 ** 40]);
  assert.equal(readNumber(encodeBlock(fields, 'ustar'), 124, 12), 0);
});

test('numbers that are none', () => {
  const read = (text: string) => readNumber(Buffer.from(text, 'latin1'), 0, 12);
  assert.deepEqual(['', '   17 \0', '0000017\0junk', '\x80\0\0\0\0\0\0\0\0\0\0\x05'].map(read), [0, 15, 15, 5]);
  assert.deepEqual(['8', '-1', '0x1', '1e3', '\xbf\xff\xff\xff\xff\xff\xff\xff'].map(read), Array(5).fill(Number.NaN));
});

test('records of bytes, and what is no record', () => {
  const records = readRecords(Buffer.from('12 path=\xff=x\n9 size=7\n', 'latin1'));
  assert.deepEqual(
    [...(records ?? [])],
    [
      ['path', Buffer.from('\xff=x', 'latin1')],
      ['size', Buffer.from('7')],
    ],
  );
  const broken = ['9 size=7', '11 size=7\n', '8 size=7\n', ' size=7\n', '0 =\n', '5 =x\n', '-9 size=7\n', '6 path\n'];
  for (const text of broken) assert.equal(readRecords(Buffer.from(text)), undefined, text);
});
