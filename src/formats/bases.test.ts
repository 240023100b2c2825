import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nativeBase } from './bases.ts';

test('distributions have images, and the user others', () => {
  const debian = { type: 'debian', release: 'bookworm' };
  assert.equal(nativeBase(debian, {}), 'debian:bookworm');
  assert.equal(
    nativeBase({ type: 'redhat', vendor: 'rocky', release: '9.4' } as { type: string; release: string }, {}),
    'rockylinux/rockylinux:9',
  );
  const digest = `@sha256:${'a'.repeat(64)}`;
  const own = { 'debian-bookworm': `localhost:5000/mine${digest}`, ubuntu: 'u/{release}' };
  assert.equal(nativeBase(debian, own), own['debian-bookworm']);
  assert.equal(nativeBase({ type: 'ubuntu', release: 'noble' }, own), 'u/noble');
  assert.throws(
    () => nativeBase({ type: 'redhat', vendor: 'centos', release: '8' } as { type: string; release: string }, {}),
    {
      message: 'no image is known for centos 8',
      status: 2,
    },
  );
  // what a spec says cannot become another instruction
  assert.throws(() => nativeBase({ ...debian, release: 'x\nRUN id' }, {}), /is no name of an image/);
});
