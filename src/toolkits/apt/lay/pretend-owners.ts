import { copyFileSync, chmodSync, existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { UserError } from '../../../model/index.ts';
import { encodeName } from '../../../roots/names.ts';
import { runProcess } from '../../../sessions/process.ts';
import { workFolder } from './bytecode.ts';
import { ownersOfLog } from './owner-log.ts';
import type { Owned } from './worker.ts';

const folder = `${workFolder}/strace`;
const log = `${workFolder}/owners.log`;
const changes = ['chown', 'fchown', 'lchown', 'fchownat'];
const identities = ['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setgroups'];
const moves = ['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir'];

/**
 * Without subordinate ids nobody but us can own a file, and maintainer scripts fail when they give one away. So
 * strace lets these calls succeed and writes down what was wanted; owners then live in the manifest. This puts
 * strace, which is this machine's, into the tree, and gives the words that go before a command there.
 */
export async function preparePretence(root: string): Promise<readonly string[]> {
  const strace = ['/usr/bin/strace', '/bin/strace', '/usr/local/bin/strace'].find((file) => existsSync(file));
  if (strace === undefined) {
    throw new UserError('this user may have files of one owner only, and strace, which helps, is not there', {
      hint: 'install strace, or have the administrator give you subordinate ids (uidmap, /etc/subuid)',
      status: 4,
    });
  }
  const listed = await runProcess([strace], { env: { LD_TRACE_LOADED_OBJECTS: '1' } });
  const libraries = [...listed.stdout.toString('utf8').matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, file = '']) => file);
  const loader = libraries.find((file) => /\/ld-?[^/]*\.so/.test(file));
  mkdirSync(join(root, folder));
  for (const file of [strace, ...libraries]) {
    const to = join(root, folder, basename(file));
    copyFileSync(file, to);
    chmodSync(to, 0o755);
  }
  const start = loader === undefined ? [] : [`${folder}/${basename(loader)}`, '--library-path', folder];
  return [
    ...start,
    `${folder}/${basename(strace)}`,
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-y',
    '-e',
    'signal=none',
    '-e',
    `trace=${[...changes, ...identities, ...moves].map((name) => `?${name}`).join(',')}`,
    '-e',
    `inject=${[...changes, ...identities].map((name) => `?${name}`).join(',')}:retval=0`,
    '-o',
    log,
    '--',
  ];
}

/** Who owns what at the end: what the packages say, and what was changed. Only what is not root's; sorted. */
export function pretendedOwners(root: string, unpacked: readonly Owned[]): readonly Owned[] {
  const file = join(root, log);
  const text = existsSync(file) ? readFileSync(file, 'latin1') : '';
  return ownersOfLog(text, unpacked, (path) => lstatSync(encodeName(root + path), { throwIfNoEntry: false }), root);
}
