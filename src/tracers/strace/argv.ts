import type { Argv } from '../../model/index.ts';

/** How much this strace, kernel and sandbox allow; found by probe.ts. */
export interface Mode {
  /** The absolute path of strace. */
  readonly strace: string;
  readonly version: string;
  /** Whether only the watched calls stop the program (strace ≥ 5.3, seccomp there), or all of them. */
  readonly seccomp: boolean;
  /** Options that this version knows beyond those of every version. */
  readonly quiet: readonly string[];
}

/**
 * The calls that name a file, make one or take one away, and those that tell where a relative name starts.
 * `?` lets an architecture or version be without it. What is only asked about (stat, access, readlink) is
 * left out: it would double the cost. Forks stop in any case under seccomp; printing them tells who is whose child.
 */
const watched =
  'open openat openat2 creat open_by_handle_at name_to_handle_at execve execveat clone clone3 fork vfork ' +
  'chdir fchdir chroot pivot_root mount umount2 open_tree move_mount unshare setns ' +
  'rename renameat renameat2 link linkat symlink symlinkat truncate truncate64 ' +
  'mkdir mkdirat mknod mknodat unlink unlinkat rmdir connect bind io_uring_setup ptrace';

const asking = 'stat lstat stat64 lstat64 newfstatat fstatat64 statx access faccessat faccessat2 readlink readlinkat';

/**
 * The command line that watches `command` and writes what it sees to `log`.
 *
 * No `-z` (drop failed calls): under seccomp a successful execve by a thread is reported as a failure. No `-v`: it would
 * write the whole environment of every program. `-s` counts for arguments of programs only; names are always whole.
 */
export function straceArgv(
  mode: Mode,
  command: Argv,
  options: {
    readonly log: string;
    readonly stat: boolean;
    readonly allowIoUring: boolean;
    /** Variables for the command that must not reach strace itself. */
    readonly env?: readonly (readonly [string, string])[];
  },
): Argv {
  const calls = options.stat ? `${watched} ${asking}` : watched;
  return [
    mode.strace,
    '-f',
    ...(mode.seccomp ? ['--seccomp-bpf'] : []),
    '-y',
    ...mode.quiet,
    '-a',
    '1',
    '-s',
    '131072',
    '-e',
    'signal=none',
    '-e',
    `trace=?${calls.replaceAll(' ', ',?')}`,
    ...(options.allowIoUring ? [] : ['-e', 'inject=io_uring_setup:error=ENOSYS']),
    ...(options.env ?? []).flatMap(([name, value]) => ['-E', `${name}=${value}`]),
    '-o',
    options.log,
    '--',
    ...command,
  ];
}
