import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cover, hostView, onThisMachine, ownView, pivot, uncover, unknownView } from './views.ts';

test('what is mounted last is seen, until it is taken away', () => {
  const view = ownView(hostView);
  cover(view, '/mnt');
  assert.equal(onThisMachine(view, '/mnt/a'), undefined);
  assert.equal(onThisMachine(view, '/mnt2/a'), '/mnt2/a');
  cover(view, '/mnt/deep', '/etc');
  assert.equal(onThisMachine(view, '/mnt/deep/hostname'), '/etc/hostname');
  cover(view, '/copy', '/mnt');
  assert.equal(onThisMachine(view, '/copy/a'), undefined);
  assert.equal(onThisMachine(view, '/copy/deep/x'), '/etc/x', 'mounts come with a bind');
  uncover(view, '/mnt');
  assert.equal(onThisMachine(view, '/mnt/deep/hostname'), '/mnt/deep/hostname');
  assert.equal(onThisMachine(hostView, '/mnt'), '/mnt', 'the machine has not changed');
  assert.equal(onThisMachine(unknownView, '/mnt'), undefined);
});

test('the way in which bubblewrap makes a root', () => {
  const view = ownView(hostView);
  cover(view, '/tmp');
  cover(view, '/tmp/newroot', '/tmp/newroot');
  pivot(view, '/tmp', '/tmp/oldroot');
  assert.equal(onThisMachine(view, '/oldroot/etc'), '/etc');
  assert.equal(onThisMachine(view, '/x'), undefined);
  cover(view, '/newroot', '/oldroot');
  cover(view, '/newroot/dev');
  cover(view, '/newroot/dev/null', '/oldroot/dev/null');
  cover(view, '/newroot/srv', '/oldroot/home/u');
  uncover(view, '/oldroot');
  pivot(view, '/newroot', '/newroot');
  uncover(view, '/');
  assert.equal(onThisMachine(view, '/etc/hostname'), '/etc/hostname');
  assert.equal(onThisMachine(view, '/srv/data'), '/home/u/data');
  assert.equal(onThisMachine(view, '/dev/sda'), undefined);
  assert.equal(onThisMachine(view, '/dev/null'), '/dev/null');
  assert.equal(onThisMachine(view, '/'), '/');
});
