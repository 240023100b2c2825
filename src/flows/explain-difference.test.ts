import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';

import { explainDifference } from './explain-difference.ts';

test('a text is told apart by its first line', () => {
  assert.equal(explainDifference(Buffer.from('a\nb\nc\n'), Buffer.from('a\nB\nc\n')), 'line 2: "b" → "B"');
  assert.equal(explainDifference(Buffer.from('a\nb\n'), Buffer.from('x\ny\n')), 'line 1: "a" → "x", and 1 more line');
});

test('the same data in another gzip', () => {
  const one = gzipSync('table');
  const other = Buffer.from(one);
  other.writeUInt32LE(1_700_000_000, 4); // MTIME
  assert.match(explainDifference(one, other), /^data equal, the gzip around it differs/);
  assert.equal(explainDifference(one, gzipSync('tables')), 'compressed data differs: line 1: "table" → "tables"');
});

test('the same pixels with another date', () => {
  const png = (pixels: number, date: string) => {
    const chunk = (kind: string, data: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(data.length);
      return Buffer.concat([length, Buffer.from(kind), data, Buffer.alloc(4)]);
    };
    const header = Buffer.from('0000000100000001080000000000', 'hex').subarray(0, 13);
    const parts = [
      chunk('IHDR', header),
      chunk('tEXt', Buffer.from(`date:create\0${date}`)),
      chunk('IDAT', deflateSync(Buffer.of(0, pixels))),
      chunk('IEND', Buffer.alloc(0)),
    ];
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
  };
  assert.equal(explainDifference(png(7, '2024'), png(7, '2025')), 'pixels equal, metadata differs (a date)');
  assert.equal(explainDifference(png(7, '2024'), png(8, '2024')), 'other pixels');
});

test('bytes are told apart by the first that differs', () => {
  assert.equal(explainDifference(Buffer.of(0, 1, 2), Buffer.of(0, 1, 3)), '3 bytes both, different from byte 3 on');
});
