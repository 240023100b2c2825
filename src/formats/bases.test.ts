import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nativeBase } from './bases.ts';

const of = (type: string, release: string, vendor?: string) => ({
  type,
  release,
  ...(vendor === undefined ? {} : { vendor }),
});

test('distributions have images, and the user others', () => {
  assert.equal(nativeBase(of('debian', 'bookworm'), {}), 'debian:bookworm');
  assert.equal(nativeBase(of('redhat', '9.4', 'rocky'), {}), 'rockylinux/rockylinux:9');
  const digest = `@sha256:${'a'.repeat(64)}`;
  const own = { 'debian-bookworm': `localhost:5000/mine${digest}`, ubuntu: 'u/{release}', 'rocky-9': 'mine:{major}' };
  assert.equal(nativeBase(of('debian', 'bookworm'), own), own['debian-bookworm']);
  assert.equal(nativeBase(of('redhat', '9.4', 'rocky'), own), 'mine:9');
  assert.equal(nativeBase(of('ubuntu', 'noble'), own), 'u/noble');
  assert.throws(() => nativeBase(of('redhat', '8', 'centos'), {}), {
    message: 'no image is known for centos 8',
    status: 2,
  });
  // what a spec says cannot become another instruction
  assert.throws(() => nativeBase(of('debian', 'x\nRUN id'), {}), /is no name of an image/);
});
