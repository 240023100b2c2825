import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { need } from '../test/e2e/need.ts';

/** ReproZip where it can be had: its newest release by pip into a folder of its own, else Debian's. */
export async function findReprozip(
  folder: string,
): Promise<{ readonly python: string; readonly command: string; readonly version: string } | undefined> {
  const own = join(folder, 'reprozip');
  const candidates = [
    {
      async install() {
        await need('python3-venv', 'python3-dev', 'libsqlite3-dev', 'gcc', 'libc6-dev');
        spawnSync('/usr/bin/python3', ['-m', 'venv', own]);
        spawnSync(join(own, 'bin/pip'), ['install', '-q', 'reprozip==1.3'], { timeout: 120_000 });
      },
      python: join(own, 'bin/python3'),
      command: join(own, 'bin/reprozip'),
    },
    { install: async () => await need('reprozip'), python: '/usr/bin/python3', command: '/usr/bin/reprozip' },
  ];
  for (const { install, python, command } of candidates) {
    try {
      await install();
    } catch {
      continue; // not to be had in this way
    }
    if (spawnSync(python, ['-c', 'from reprozip import _pytracer']).status !== 0) continue;
    const version = /version ([0-9.]+)/.exec(spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout)?.[1];
    return { python, command, version: version ?? 'unknown' };
  }
  return undefined;
}
