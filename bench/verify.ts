/**
 * How long `repronim verify` takes for a root of 13,000 files, beside what Debian has for a part of the same question:
 * `dpkg --verify` and `debsums` compare the files of packages with their md5, and nothing else.
 *
 *     node bench/verify.ts [--json] [--root DIR] [--rounds N]
 *
 * Without --root a bookworm root with git and python3-numpy is made by mmdebstrap first. Goal: at most 3 s.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { runProcess } from '../src/sessions/process.ts';
import { mirror, need, scratch } from '../test/e2e/need.ts';

const goal = 3000;
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    root: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
});
const directory = scratch('bench-verify');
const root = values.root ?? (await makeRoot(directory));
const env = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
  REPRONIM_HOME: join(directory, 'home'),
};
const cli = [process.execPath, join(import.meta.dirname, '../src/cli/main.ts')] as const;
const spec = join(directory, 'root.yaml');
mkdirSync(join(directory, 'home'), { recursive: true });
await runProcess([...cli, 'trace', '--system', '--in', `root:${root}`, '-o', spec], { env });

const files = Number((await runProcess(['sh', '-c', 'find "$1" -xdev | wc -l', 'sh', root])).stdout.toString());
const peers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'repronim verify': [...cli, 'verify', '--json', `root:${root}`, spec],
  'repronim fingerprint': [...cli, 'fingerprint', `root:${root}`],
  'dpkg --verify': ['dpkg', `--root=${root}`, '--verify'],
  'debsums --silent': ['debsums', '--all', '--silent', `--root=${root}`],
};
await need('debsums').catch(() => {});
const measured: { name: string; milliseconds: number; status: number }[] = [];
for (const [name, argv] of Object.entries(peers)) {
  const times: number[] = [];
  let status = 0;
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const started = performance.now();
    ({ status } = await runProcess(argv, { env, accept: 'any' }));
    times.push(performance.now() - started);
  }
  measured.push({
    name,
    status,
    milliseconds: Math.round(times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0),
  });
}
const ours = measured[0]?.milliseconds ?? Infinity;
const answer = { bench: 'verify', files, goal, met: ours <= goal, measured };
if (values.json) console.log(JSON.stringify(answer));
else {
  console.log(`${files.toLocaleString('en-US')} files, median of ${values.rounds}`);
  for (const { name, milliseconds, status } of measured) {
    const said = status === 127 ? 'not here' : `${(milliseconds / 1000).toFixed(2)} s`;
    console.log(`${name.padEnd(22)} ${said}`);
  }
  console.log(`goal: at most ${goal / 1000} s: ${answer.met ? 'met' : 'missed'}`);
}
process.exitCode = answer.met ? 0 : 1;

async function makeRoot(into: string): Promise<string> {
  await need('mmdebstrap');
  const made = join(into, 'root');
  await runProcess(
    [
      'mmdebstrap',
      '--variant=minbase',
      '--include=git,python3-numpy',
      'bookworm',
      made,
      `deb ${await mirror()} bookworm main`,
    ],
    { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' }, timeoutMs: 600_000 },
  );
  return made;
}
