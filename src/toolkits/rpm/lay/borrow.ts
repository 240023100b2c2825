import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import { UserError } from '../../../model/index.ts';
import { runProcess } from '../../../sessions/process.ts';
import { workFolder } from '../../apt/lay/bytecode.ts';

const folder = `${workFolder}/rpm`;
const configuration = '/usr/lib/rpm';

/** A program of this machine that runs in a tree: the words to start it by, and what it needs in its environment. */
export interface Borrowed {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Puts this machine's rpm with its libraries and configuration into a tree that has none of its own. Throws UserError 4
 * where there is none here, either.
 */
export async function borrowRpm(root: string): Promise<Borrowed> {
  const rpm = ['/usr/bin/rpm', '/bin/rpm'].find((file) => existsSync(file));
  if (rpm === undefined || !existsSync(join(configuration, 'rpmrc'))) {
    throw new UserError('neither this environment nor this machine has rpm, which installs its packages', {
      status: 4,
      hint: 'install it here: apt-get install rpm',
    });
  }
  const listed = await runProcess([rpm], { env: { LD_TRACE_LOADED_OBJECTS: '1' } });
  const libraries = [...listed.stdout.toString('utf8').matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, file = '']) => file);
  const loader = libraries.find((file) => /\/ld-?[^/]*\.so/.test(file));
  mkdirSync(join(root, folder), { recursive: true });
  for (const file of [rpm, ...libraries]) {
    const to = join(root, folder, basename(file));
    copyFileSync(file, to);
    chmodSync(to, 0o755);
  }
  for (const name of ['rpmrc', 'macros', 'platform']) {
    const from = join(configuration, name);
    if (existsSync(from)) cpSync(from, join(root, folder, 'configuration', name), { recursive: true });
  }
  const start = loader === undefined ? [] : [`${folder}/${basename(loader)}`, '--library-path', folder];
  return {
    argv: [...start, `${folder}/${basename(rpm)}`],
    env: { RPM_CONFIGDIR: `${folder}/configuration` },
  };
}
