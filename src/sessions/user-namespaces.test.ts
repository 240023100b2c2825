import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explainStep, freeRange } from './user-namespaces.ts';

test('new subordinate ids are behind all that anybody has', () => {
  assert.equal(freeRange(''), 100_000);
  assert.equal(freeRange('u:100000:65536\n'), 165_536);
  assert.equal(freeRange('u:100000:65536\nv:300000:65536\n\nu:231072:65536\nbroken:x:1\n'), 365_536);
});

test('what has failed is explained by what the administrator does about it', () => {
  assert.match(explainStep('subordinate ids')?.hint ?? '', /^as root: chmod u\+s/);
  assert.match(explainStep('user namespace')?.because ?? '', /no user namespaces/);
  assert.equal(explainStep('mount'), undefined);
});
