import { spawn } from 'node:child_process';

import { findProgram } from './command.ts';

const most = 1000;

/** Which of these files have file capabilities, where getcap (libcap2-bin) is there to tell. */
export async function withCapabilities(files: readonly string[]): Promise<readonly string[]> {
  const getcap = findProgram('getcap', '/usr/sbin:/sbin:/usr/bin', '/');
  if (typeof getcap === 'number' || files.length === 0) return [];
  const child = spawn(getcap, files.slice(0, most), { stdio: ['ignore', 'pipe', 'ignore'], env: { LC_ALL: 'C' } });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('error', () => resolve());
  child.once('close', () => resolve());
  await promise;
  // "/usr/bin/ping cap_net_raw=ep"; versions before 2.41 write " = " between.
  return said.split('\n').flatMap((line) => /^(\/.*?) (?:= )?cap_/.exec(line)?.[1] ?? []);
}
