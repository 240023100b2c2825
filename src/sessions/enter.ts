import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, constants, existsSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { nameBytes } from '../roots/names.ts';
import type { Argv } from '../model/index.ts';

/** What enter.pl is asked for, in order; a key may come several times. */
export type Fields = readonly (readonly [key: string, value: string | number])[];

/** Parameters for enter.pl and what it says: an unlinked file of ours, which becomes its descriptor 3. */
export interface Parameters extends Disposable {
  readonly descriptor: number;
  /** What enter.pl has said so far, field by field. */
  answer(): readonly string[];
}

/** Writes parameters where only their reader finds them; values may have any byte but NUL. */
export function openParameters(fields: Fields): Parameters {
  const nul = Buffer.of(0);
  const bytes = Buffer.concat(
    fields.flatMap(([key, value]) => {
      if (String(value).includes('\0')) throw new TypeError(`NUL in ${key}`);
      return [Buffer.from(key), nul, nameBytes(String(value)), nul];
    }),
  );
  const descriptor = openUnlinked();
  writeSync(descriptor, bytes, 0, bytes.length, 0); // the offset stays at the beginning, for the reader
  return {
    descriptor,
    answer() {
      const size = fstatSync(descriptor).size - bytes.length;
      const said = Buffer.alloc(Math.max(0, size));
      readSync(descriptor, said, 0, said.length, bytes.length);
      return said.toString('utf8').split('\0').slice(0, -1);
    },
    [Symbol.dispose]() {
      closeSync(descriptor);
    },
  };
}

/** The command that runs enter.pl in one of its modes. */
export function enterArgv(mode: 'map' | 'hold' | 'join' | 'plain'): Argv {
  return [perl(), enterScript, mode, process.arch];
}

/** Nothing of our environment reaches the interpreter; the program's own comes as parameters. */
export const enterEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } as const;

/** Starts enter.pl on pipes or descriptors of ours; for what runProcess and execProcess can't do: streams, holding. */
export function startEnter(argv: Argv, stdio: StdioOptions, detached = false): ChildProcess {
  return spawn(argv[0], argv.slice(1), { env: enterEnvironment, stdio, cwd: '/', detached });
}

/** Whether this kind of machine is one that enter.pl knows the kernel's numbers of. */
export function isKnownMachine(): boolean {
  return ['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch);
}

/** The interpreter: the system's own, which nobody but root has written; undefined where there is none. */
export function findPerl(): string | undefined {
  return ['/usr/bin/perl', '/bin/perl', '/usr/local/bin/perl'].find((file) => existsSync(file));
}

const enterScript = fileURLToPath(new URL('enclosure/enter.pl', import.meta.url));

function perl(): string {
  return findPerl() ?? 'perl';
}

const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

function openUnlinked(): number {
  for (const folder of ['/dev/shm', tmpdir()]) {
    try {
      return openSync(folder, O_TMPFILE | constants.O_RDWR, 0o600);
    } catch {
      // no such folder, or a filesystem without unnamed files
    }
  }
  const file = join(tmpdir(), `repronim-${process.pid}-${process.hrtime.bigint()}`);
  const descriptor = openSync(
    file,
    constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW,
    0o600,
  );
  rmSync(file);
  return descriptor;
}
