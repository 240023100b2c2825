import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TraceResult } from '../../contract/index.ts';
import { reportScene } from './report.ts';
import { lookHere } from './look.ts';
import { createScene } from './scene.ts';
import { watchLog } from './watch.ts';

/** The result of a log, as if its paths were not of this machine's. */
function watch(log: string, cwd = '/nowhere'): Omit<TraceResult, 'notes'> {
  const scene = createScene(lookHere(Date.now()));
  const watching = watchLog(scene, { cwd, unprivileged: false });
  watching.reader.push(Buffer.from(log, 'latin1'));
  watching.settle();
  return reportScene(scene, watching.main.status ?? 0);
}

function letters(result: Omit<TraceResult, 'notes'>): string[] {
  return result.accesses.map((access) =>
    [
      access.read ? 'r' : '',
      access.written ? 'w' : '',
      access.executed ? 'x' : '',
      access.writtenFirst ? 'f' : '',
      access.removed ? 'd' : '',
      access.foreign ? 'F' : '',
      ` ${access.path}`,
    ].join(''),
  );
}

test('reading, writing, writing first, both', () => {
  const result = watch(`7 openat(AT_FDCWD</nowhere>, "a", O_RDONLY|O_CLOEXEC) = 3</nowhere/a>
7 openat(AT_FDCWD</nowhere>, "b", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</nowhere/b>
7 openat(AT_FDCWD</nowhere>, "a", O_RDWR) = 3</nowhere/a>
7 openat(AT_FDCWD</nowhere>, "b", O_RDONLY) = 3</nowhere/b>
7 openat(AT_FDCWD</nowhere>, "c", O_WRONLY|O_APPEND) = 3</nowhere/c>
7 openat(AT_FDCWD</nowhere>, "d", O_RDONLY) = -1 ENOENT (No such file or directory)
7 creat("e", 0644) = 3</nowhere/e>
7 +++ exited with 3 +++
`);
  assert.deepEqual(letters(result), ['rw /nowhere/a', 'rwf /nowhere/b', 'w /nowhere/c', 'wf /nowhere/e']);
  assert.equal(result.status, 3);
});

test('what is no file is left out', () => {
  const result = watch(`7 openat(AT_FDCWD</nowhere>, "/proc/self/status", O_RDONLY) = 8</proc/7/status>
7 openat(AT_FDCWD</nowhere>, "/proc/self/fd/4", O_RDONLY) = 5</nowhere/gone>(deleted)
7 openat(AT_FDCWD</nowhere>, "/nowhere", O_RDWR|O_TMPFILE, 0600) = 7</nowhere/#9977859>(deleted)
7 openat(AT_FDCWD</nowhere>, "/proc/self/fd/9", O_RDWR) = 12</memfd:mf>(deleted)
7 openat(AT_FDCWD</nowhere>, "/proc/self/fd/1", O_WRONLY) = 12<pipe:[43685]>
7 openat(AT_FDCWD</nowhere>, "/proc/cpuinfo", O_RDONLY) = 12</proc/cpuinfo>
`);
  assert.deepEqual(letters(result), ['r /proc/cpuinfo']);
});

test('names that are relative to a folder, a changed folder, a child and a thread', () => {
  const result = watch(`7 mkdir("one", 0755) = 0
7 chdir("one") = 0
7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 8
8 chdir("two") = 0
8 unlink("a") = 0
7 unlink("b") = 0
7 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, stack=0x7f}, 88) = 9
9 fchdir(4</nowhere/three>) = 0
7 rename("c", "d") = 0
8 +++ exited with 0 +++
7 unlinkat(5</nowhere/four>, "e", 0) = 0
`);
  assert.deepEqual(letters(result), [
    'd /nowhere/four/e',
    'wf /nowhere/one',
    'd /nowhere/one/b',
    'd /nowhere/one/two/a',
    'rd /nowhere/three/c',
    'wf /nowhere/three/d',
  ]);
  assert.deepEqual(result.directories, ['/nowhere/one', '/nowhere/one/two', '/nowhere/three']);
});

test('a child that runs before its parent has come back from fork', () => {
  const result = watch(`7 chdir("one") = 0
7 vfork( <unfinished ...>
8 unlink("a") = 0
8 chdir("deep") = 0
8 openat(AT_FDCWD</nowhere/one/deep>, "b", O_RDONLY) = 3</nowhere/one/deep/b>
7 <... vfork resumed>) = 8
8 unlink("c") = 0
8 +++ exited with 0 +++
7 chdir("..") = 0
7 vfork( <unfinished ...>
8 unlink("d") = 0
8 +++ exited with 0 +++
7 <... vfork resumed>) = 8
`);
  assert.deepEqual(letters(result), [
    'd /nowhere/d',
    'd /nowhere/one/a',
    'r /nowhere/one/deep/b',
    'd /nowhere/one/deep/c',
  ]);
});

test('numbers in a pid namespace are translated', () => {
  const result = watch(`7 chdir("one") = 0
7 vfork( <unfinished ...>
16670 unlink("a") = 0
7 <... vfork resumed>) = 2 /* 16670 in strace's PID NS */
`);
  assert.deepEqual(letters(result), ['d /nowhere/one/a']);
});

test('another mount namespace has other files, except where it has the same', () => {
  const result = watch(`7 unshare(CLONE_NEWNS|CLONE_NEWPID) = 0
7 mount("none", "/", NULL, MS_REC|MS_PRIVATE, NULL) = 0
7 mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL) = 0
7 openat(AT_FDCWD</nowhere>, "/nowhere/same", O_RDONLY) = 3</nowhere/same>
7 mount("/nowhere/from", "/nowhere/to", 0x563844b25ff0, MS_BIND, NULL) = 0
7 openat(AT_FDCWD</nowhere>, "/nowhere/to/file", O_RDONLY) = 3</nowhere/to/file>
7 mount("tmpfs", "/nowhere/tmp", "tmpfs", 0, NULL) = 0
7 openat(AT_FDCWD</nowhere>, "/nowhere/tmp/file", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 3</nowhere/tmp/file>
7 setns(4</proc/9/ns/mnt>, CLONE_NEWNS) = 0
7 openat(AT_FDCWD</>, "/etc/hostname", O_RDONLY) = 3</etc/hostname>
`);
  assert.deepEqual(letters(result), [
    'rF /etc/hostname',
    'r /nowhere/from/file',
    'r /nowhere/same',
    'wfF /nowhere/tmp/file',
    'rF /nowhere/to/file',
  ]);
  assert.deepEqual(result.directories, []);
});

test('sockets: whom it talked to, less what it serves itself', () => {
  const result = watch(`7 bind(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="own"}, 5) = 0
7 connect(4<socket:[2]>, {sa_family=AF_UNIX, sun_path="own"}, 5) = 0
7 connect(5<socket:[3]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 connect(6<socket:[4]>, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS (Operation now in progress)
7 connect(7<socket:[5]>, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 18) = 0
7 connect(8<socket:[6]>, {sa_family=AF_UNIX, sun_path="/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)
7 connect(9<socket:[7]>, {sa_family=AF_UNIX, sun_path=@"/tmp/.X11-unix/X0"}, 20) = 0
`);
  assert.deepEqual(result.sockets, ['/run/docker.sock', '127.0.0.1:53', '@/tmp/.X11-unix/X0', '[::1]:443']);
});

test('notes: io_uring that was refused and missed, programs that trace, daemons', () => {
  const scene = createScene(lookHere(Date.now()));
  const watching = watchLog(scene, { cwd: '/nowhere', unprivileged: false });
  watching.reader.push(
    Buffer.from(`7 execve("/nowhere/server", ["server"], 0x7f /* 3 vars */) = 0
7 io_uring_setup(8, {flags=0}) = -1 ENOSYS (Function not implemented) (INJECTED)
7 ptrace(PTRACE_TRACEME) = -1 EPERM (Operation not permitted)
7 connect(7<socket:[5]>, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 18) = 0
7 +++ exited with 1 +++
`),
  );
  const { notes } = reportScene(scene, 1);
  assert.deepEqual(
    notes.map(({ kind, path }) => `${kind} ${path}`),
    ['service /run/docker.sock', 'incomplete /nowhere/server', 'incomplete /nowhere/server'],
  );
  assert.match(notes[0]?.text ?? '', /docker/);
  assert.match(notes[2]?.text ?? '', /--allow-io-uring/);
});

test('the same log gives the same result, sorted', () => {
  const log = `7 openat(AT_FDCWD</nowhere>, "b", O_RDONLY) = 3</nowhere/b>
7 openat(AT_FDCWD</nowhere>, "a", O_RDONLY) = 3</nowhere/a>
7 openat(AT_FDCWD</nowhere>, "B", O_RDONLY) = 3</nowhere/B>
`;
  assert.deepEqual(letters(watch(log)), ['r /nowhere/B', 'r /nowhere/a', 'r /nowhere/b']);
  assert.deepEqual(watch(log), watch(log));
});
