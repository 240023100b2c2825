import assert from 'node:assert/strict';
import { test } from 'node:test';

import { closingQuote, decodeEscapes } from './escapes.ts';

test('names come back byte for byte', () => {
  // As strace 6.1 printed them.
  assert.equal(
    decodeEscapes(String.raw`/tmp/w/d\303\274 \74x\76\"q'\n\\\t\377/a b`),
    `/tmp/w/dü <x>"q'\n\\\t\udcff/a b`,
  );
  assert.equal(decodeEscapes(String.raw`\\303`), String.raw`\303`);
  assert.equal(decodeEscapes(String.raw`a\0b\1\0012\v\f\r`), 'a\0b\x01\x012\v\f\r');
  assert.equal(decodeEscapes(String.raw`\xff\x41`), '\udcffA');
  assert.equal(decodeEscapes('/usr/lib/x86_64-linux-gnu/libc.so.6'), '/usr/lib/x86_64-linux-gnu/libc.so.6');
});

test('a quote in a string does not end it', () => {
  const text = String.raw`open("a\"b\\", O_RDONLY)`;
  assert.equal(text.slice(5, closingQuote(text, 5) + 1), String.raw`"a\"b\\"`);
  assert.equal(closingQuote('"never', 0), -1);
});
