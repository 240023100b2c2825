import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { localRoot } from '../../roots/local.ts';
import { linkedOutside, parseElf } from './elf.ts';

test('what a real program is linked with', async () => {
  const linked = parseElf(readFileSync('/usr/bin/ls'));
  assert.ok(
    linked?.needed.some((name) => /^libc\.so\.\d/.test(name)),
    JSON.stringify(linked),
  );
  const root = localRoot('/');
  const outside = await linkedOutside('/opt/x', ['/usr/bin/ls', '/usr/bin/nothing', '/usr/share/x'], root);
  assert.ok(
    outside.some((path) => /\/libc\.so\.\d$/.test(path)),
    outside.join(' '),
  );
  assert.deepEqual(
    await linkedOutside('/usr', ['/usr/bin/ls'], root),
    outside.filter((path) => !path.startsWith('/usr/')),
  );
});

test('garbage leads nowhere', () => {
  const real = readFileSync('/usr/bin/ls');
  assert.equal(parseElf(Buffer.from('#!/bin/sh\n')), undefined);
  let seed = 11;
  for (let round = 0; round < 2000; round += 1) {
    const broken = Buffer.from(real.subarray(0, 4096 + (seed % 60_000)));
    for (let index = 0; index < 8; index += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      broken[seed % 512] = seed % 251;
    }
    parseElf(broken);
  }
});
