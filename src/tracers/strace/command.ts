import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Argv } from '../../model/index.ts';

/** The file of a program, as a shell finds it; 127 where there is none, 126 where there is, but it can't be executed. */
export function findProgram(name: string, path: string, cwd: string): string | 126 | 127 {
  let failed: 126 | 127 = 127;
  for (const folder of name.includes('/') ? [''] : path.split(':')) {
    const file = resolve(cwd, folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
      failed = 126;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') failed = 126;
    }
  }
  return failed;
}

/**
 * The command as it is executed in the end: a text without `#!` is given to the shell, as execvp does. strace looks
 * for a bare name in the same way, so it stays as it is.
 */
export function executable(command: Argv, path: string | undefined, cwd: string): Argv | 126 | 127 {
  const file = findProgram(command[0], path ?? '/usr/local/bin:/usr/bin:/bin', cwd);
  if (typeof file === 'number') return file;
  if (isBareScript(file)) return ['/bin/sh', file, ...command.slice(1)];
  return path === undefined ? [file, ...command.slice(1)] : command;
}

function isBareScript(file: string): boolean {
  const head = Buffer.alloc(64);
  try {
    const opened = openSync(file, 'r');
    const size = readSync(opened, head, 0, head.length, 0);
    closeSync(opened);
    const text = head.subarray(0, size);
    return !text.includes(0) && text[0] !== 0x7f && !(text[0] === 35 && text[1] === 33);
  } catch {
    return false; // not readable: the kernel knows
  }
}
