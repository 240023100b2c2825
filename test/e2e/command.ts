import { resolve } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');

/** What the command line said. */
export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** repronim as people run it, with a home of its own. */
export function commandIn(
  home: string,
  settings: Readonly<Record<string, string>> = {},
): (...words: readonly string[]) => Promise<Said> {
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    LC_ALL: 'C.UTF-8',
    REPRONIM_HOME: home,
    ...settings,
  };
  return async (...words) => {
    const argv = [process.execPath, '--no-warnings', main, ...words] as const;
    const { status, stdout, stderr } = await runProcess(argv, { env, accept: 'any' });
    return { status, stdout: stdout.toString(), stderr: stderr.toString() };
  };
}
