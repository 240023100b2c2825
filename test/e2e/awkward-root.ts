import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import { need, scratch } from './need.ts';

const programs = ['sh', 'cat', 'env', 'id', 'ls', 'nice', 'rm', 'setpriv', 'sleep', 'stty', 'tr', 'true', 'chmod'];

/**
 * A root of a few programs of this machine, made in a moment without a network, with everything in it that is
 * awkward to carry: capabilities, setuid and sticky bits, devices, fifos, hard links, odd, long and empty names.
 */
export async function awkwardRoot(): Promise<string> {
  await need('libcap2-bin', 'util-linux');
  const root = mkdtempSync(join(scratch('awkward-root', 2 ** 28), 'root-'));
  chmodSync(root, 0o755);
  for (const folder of ['dev', 'etc', 'home', 'opt', 'proc', 'run', 'sys', 'tmp', 'usr/bin', 'usr/lib', 'usr/sbin']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const name of ['bin', 'lib', 'sbin']) symlinkSync(`usr/${name}`, join(root, name));
  await copyPrograms(root);
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nu:x:1000:\nvideo:x:44:u\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 of-the-root\n');
  symlinkSync('/run/resolv.conf', join(root, 'etc/resolv.conf'));
  chmodSync(join(root, 'tmp'), 0o1777);
  addAwkward(root);
  await runProcess(['setcap', 'cap_net_raw+ep', join(root, 'usr/bin/nice')]);
  await runProcess(['mknod', join(root, 'opt/null'), 'c', '1', '3']);
  await runProcess(['mkfifo', join(root, 'opt/fifo')]);
  return root;
}

function addAwkward(root: string): void {
  const odd = Buffer.concat([Buffer.from(join(root, 'opt/')), Buffer.of(0x61, 0xff, 0x0a, 0x62)]);
  writeFileSync(odd, 'odd');
  writeFileSync(join(root, 'opt/größe mit leer'), '');
  const long = join(root, 'opt', 'd'.repeat(120), 'f'.repeat(200));
  mkdirSync(dirname(long), { recursive: true });
  writeFileSync(long, 'long');
  linkSync(long, join(root, 'opt/hard'));
  writeFileSync(join(root, 'opt/large'), Buffer.alloc(3 * 1024 * 1024 + 17, 'x'));
  writeFileSync(join(root, 'opt/setuid'), '#!/bin/sh\n');
  chownSync(join(root, 'opt/setuid'), 1000, 44);
  chmodSync(join(root, 'opt/setuid'), 0o6755);
  symlinkSync('../../../../../etc/shadow', join(root, 'opt/out'));
  symlinkSync('circle', join(root, 'opt/circle'));
  mkdirSync(join(root, 'opt/empty'), { mode: 0o700 });
  chownSync(join(root, 'opt/empty'), 3_000_000, 7);
}

/** The programs and what their loader asks for, under the same names. */
async function copyPrograms(root: string): Promise<void> {
  const files = new Set<string>();
  for (const name of programs) {
    const program = join(existsSync(join('/usr/bin', name)) ? '/usr/bin' : '/bin', name);
    copyInto(root, program, join('usr/bin', name));
    const listed = await runProcess(['ldd', program], { accept: [0, 1] });
    for (const [, library] of listed.stdout.toString('utf8').matchAll(/(?:=> |^\s)(\/\S+)/gm)) files.add(library ?? '');
  }
  for (const library of files)
    copyInto(root, library, library.replace(/^\/(?:usr\/)?/, library.includes('lib64') ? '' : 'usr/'));
}

function copyInto(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  copyFileSync(realpathSync(from), join(root, to));
}
