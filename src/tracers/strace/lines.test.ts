import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readLines } from './lines.ts';

function read(log: string, piece = log.length): string[] {
  const seen: string[] = [];
  const reader = readLines({
    call: (pid, text) => seen.push(`${pid} ${text}`),
    superseded: (pid, by, text) => seen.push(`${pid} was ${by}: ${text}`),
    exited: (pid, status) => seen.push(`${pid} ended ${status}`),
  });
  let kept = Buffer.alloc(0);
  const bytes = Buffer.from(log, 'latin1');
  for (let at = 0; at < bytes.length; at += piece) {
    const now = Buffer.concat([kept, bytes.subarray(at, at + piece)]);
    kept = Buffer.from(now.subarray(reader.push(now)));
  }
  return seen;
}

// strace 6.1, two processes at once.
const parallel = `16089 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
16090 openat(AT_FDCWD</dev/shm>, "/dev/null", O_RDONLY) = 0</dev/null>
16089 <... clone resumed>, child_tidptr=0x7f420c709a10) = 16091
16092 openat(AT_FDCWD</dev/shm>, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC <unfinished ...>
16091 openat(AT_FDCWD</dev/shm>, "/dev/null", O_RDONLY <unfinished ...>
16092 <... openat resumed>)             = 3</etc/ld.so.cache>
16091 <... openat resumed>)             = 0</dev/null>
16091 +++ exited with 3 +++
16092 +++ killed by SIGTERM +++
16090 +++ killed by SIGSEGV (core dumped) +++
`;

test('calls in two halves are put together', () => {
  const expected = [
    '16090 openat(AT_FDCWD</dev/shm>, "/dev/null", O_RDONLY) = 0</dev/null>',
    '16089 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f420c709a10) = 16091',
    '16092 openat(AT_FDCWD</dev/shm>, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC)             = 3</etc/ld.so.cache>',
    '16091 openat(AT_FDCWD</dev/shm>, "/dev/null", O_RDONLY)             = 0</dev/null>',
    '16091 ended 3',
    '16092 ended 143',
    '16090 ended 139',
  ];
  assert.deepEqual(read(parallel), expected);
  assert.deepEqual(read(parallel, 7), expected, 'in pieces of 7 bytes');
});

test('a thread that executes has succeeded, whatever is said of it', () => {
  // strace 6.1 with --seccomp-bpf: the result is nonsense.
  const log = `16083 execve("/bin/cat", ["cat", "/etc/hostname"], 0x7ffc94139738 /* 35 vars */ <pid changed to 16082 ...>
16082 +++ superseded by execve in pid 16083 +++
16082 <... execve resumed>)             = -1 (errno 18446744073709551359)
16082 openat(AT_FDCWD</dev/shm>, "/etc/hostname", O_RDONLY) = 3</etc/hostname>
`;
  assert.deepEqual(read(log), [
    '16082 was 16083: execve("/bin/cat", ["cat", "/etc/hostname"], 0x7ffc94139738 /* 35 vars */',
    '16082 openat(AT_FDCWD</dev/shm>, "/etc/hostname", O_RDONLY) = 3</etc/hostname>',
  ]);
});

test('a line without an end waits for it', () => {
  assert.deepEqual(read('7 chdir("/tmp") = 0\n7 chdir("/us'), ['7 chdir("/tmp") = 0']);
});
