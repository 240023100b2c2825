import assert from 'node:assert/strict';
import { test } from 'node:test';

import { descriptorPath, listArgument, parseCall, stringArgument } from './arguments.ts';

test('a call is taken apart, whatever its names hold', () => {
  const call = parseCall(
    String.raw`renameat2(AT_FDCWD</tmp/a, b>, "x) = 0", 3</tmp/(c>, "y\", \"z", RENAME_NOREPLACE) = 0`,
  );
  assert.equal(call?.name, 'renameat2');
  assert.equal(call.result, '0');
  assert.equal(descriptorPath(call.args[0]), '/tmp/a, b');
  assert.equal(stringArgument(call.args[1]), 'x) = 0');
  assert.equal(descriptorPath(call.args[2]), '/tmp/(c');
  assert.equal(stringArgument(call.args[3]), 'y", "z');
  assert.equal(call.args[4], 'RENAME_NOREPLACE');
});

test('structures and lists are one argument', () => {
  const call = parseCall(
    'clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f319d687000, stack_size=0x9000}, 88) = 22733',
  );
  assert.equal(call?.args.length, 2);
  assert.equal(call.result, '22733');
  const executed = parseCall(String.raw`execve("/bin/cat", ["cat", "a, b", "\"]"], 0x7fff8af096e8 /* 35 vars */) = 0`);
  assert.deepEqual(listArgument(executed?.args[1]), ['cat', 'a, b', '"]']);
  assert.equal(parseCall('vfork() = 7')?.args.length, 0);
});

test('what is no call is none', () => {
  assert.equal(parseCall('+++ exited with 0 +++'), undefined);
  assert.equal(parseCall('openat(AT_FDCWD</tmp>, "a'), undefined);
  assert.equal(stringArgument('NULL'), undefined);
  assert.equal(descriptorPath('3<pipe:[123]>'), undefined);
});
