import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseParagraphs } from './deb822.ts';

const status = `Package: nano
Status: install ok installed
Conffiles:
 /etc/nanorc 9f1ee9a9c9b5e9b0c8e0e0d5a0c2b7c1
Description: small, friendly text editor inspired by Pico
 GNU nano is an easy-to-use text editor originally designed as a replacement
 .
 for Pico.


this is no field
Package: broken

# a comment
Package: last
Homepage: https://a.example:8080/
`;

test('paragraphs, continued lines, comments, and colons in values', () => {
  const [nano, broken, last, ...more] = [...parseParagraphs(status)];
  assert.equal(more.length, 0);
  assert.equal(nano?.fields.get('conffiles'), '\n/etc/nanorc 9f1ee9a9c9b5e9b0c8e0e0d5a0c2b7c1');
  assert.match(nano?.fields.get('description') ?? '', /Pico\nGNU nano .*\n\.\nfor Pico\.$/s);
  assert.equal(broken?.broken, 'this is no field');
  assert.equal(broken?.fields.get('package'), 'broken');
  assert.equal(last?.fields.get('homepage'), 'https://a.example:8080/');
});
