import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { UserError } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';

/** What `docker run` starts when nothing is said. */
export async function commandOf(directory: string): Promise<string[]> {
  const [bash] = await localRoot(directory).realpath(['/bin/bash']);
  return [bash === undefined ? '/bin/sh' : '/bin/bash'];
}

// https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html, and GOARCH's names
const machines: Readonly<Record<number, string>> = {
  3: '386',
  8: 'mips64le',
  21: 'ppc64le',
  22: 's390x',
  40: 'arm',
  62: 'amd64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/** The architecture of a root, by its own programs; this machine's where it has none. */
export async function architectureOf(directory: string): Promise<string> {
  const found = await localRoot(directory).realpath(['/bin/sh', '/usr/bin/env', '/bin/busybox', '/usr/bin/perl']);
  for (const path of found) {
    if (path === undefined) continue;
    const machine = machineOf(join(directory, path));
    if (machine === undefined) continue;
    const name = machines[machine];
    if (name !== undefined) return name;
    throw new UserError(`the programs of the rootfs are for a processor that docker does not know (ELF ${machine})`);
  }
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

function machineOf(path: string): number | undefined {
  const start = Buffer.alloc(20);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, start, 0, 20, 0);
  } finally {
    closeSync(descriptor);
  }
  if (start.toString('latin1', 0, 4) !== '\u007fELF') return undefined;
  return start[5] === 2 ? start.readUInt16BE(18) : start.readUInt16LE(18);
}
