/** Several runs in one spec, distributions that are switched on, overlays without a base: as a person types it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { distributions } from '../../src/distributions/index.ts';
import { readSpec } from '../../src/formats/spec/read.ts';
import type { Spec } from '../../src/model/index.ts';
import { mirror, need, scratch } from './need.ts';
import { myself, type, type Said } from './person.ts';

const home = scratch('runs');
const work = mkdtempSync(join(tmpdir(), 'repronim-runs-'));
after(() => rmSync(work, { recursive: true, force: true }));

const me = { ...myself(home), env: { ...myself(home).env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } };
const typesWith = async (env: Record<string, string>, ...words: string[]): Promise<Said> =>
  await type({ ...me, env: { ...me.env, ...env } }, words, { directory: work });
const types = async (...words: string[]): Promise<Said> => await typesWith({}, ...words);
const does = async (...words: string[]): Promise<Said> => {
  const said = await types(...words);
  assert.equal(said.status, 0, `${words.join(' ')}: ${said.stderr}${said.stdout}`);
  return said;
};
const specOf = (file: string): Spec => readSpec(readFileSync(join(work, file), 'utf8'), { file, distributions }).spec;

test('a run that looks into its own folder gives a spec that can be read', async () => {
  await need('python3');
  await does('trace', '-o', 'listed.yaml', '--', 'python3', '-c', 'import json; print(json.dumps(1))');
  const [before] = specOf('listed.yaml').lock?.runs?.['run']?.before ?? [];
  assert.equal(before?.path, work);
});

test('a second command joins a spec, comments stay, and both are repeated', async () => {
  await need('gawk');
  writeFileSync(join(work, 'numbers'), '1\n2\n3\n');
  await does('trace', '-o', 's.yaml', '--', 'sh', '-c', 'sort -r numbers > sorted');
  const text = readFileSync(join(work, 's.yaml'), 'utf8');
  writeFileSync(join(work, 's.yaml'), text.replace('runs:', '# what we did\nruns:'));
  const second = ['--', 'gawk', '{ sum += $1 } END { print sum > "sum" }', 'sorted'];
  assert.equal((await typesWith({ LC_ALL: 'C.UTF-8', TZ: 'UTC' }, 'trace', '--add', 's.yaml', ...second)).status, 0);

  assert.match(readFileSync(join(work, 's.yaml'), 'utf8'), /# what we did\nruns:/);
  const spec = specOf('s.yaml');
  assert.deepEqual(
    spec.runs?.map(({ command, environment }) => [command[0], environment]),
    [
      ['sh', { LC_ALL: 'C' }],
      ['gawk', { LC_ALL: 'C.UTF-8', TZ: 'UTC' }],
    ],
  );
  assert.equal(spec.environment?.['LC_ALL'], undefined);
  const locked = spec.lock?.distributions?.['debian'] as { packages?: { name: string; why: string }[] } | undefined;
  for (const name of ['coreutils', 'gawk'])
    assert.ok(locked?.packages?.some((one) => one.name === name && one.why === 'used'));

  const all = await does('reproduce', '--rm', 's.yaml');
  assert.equal(all.stderr.match(/^replay .* 1 output, 1 equal/gm)?.length, 2, all.stderr);
  const one = await does('reproduce', '--rm', '--run', 'run-2', 's.yaml');
  assert.equal(one.stderr.match(/^replay .* 1 output, 1 equal/gm)?.length, 1, one.stderr);
  const none = await types('reproduce', '--run', 'run-3', 's.yaml');
  assert.equal(none.status, 2);
  assert.match(none.stderr, /there is no run run-3\nhint: {2}there are: run, run-2/);

  // the same of a bundle, which is written anew
  await does('trace', '-o', 'b.repronim', '--', 'sort', 'numbers', '-o', 'sorted');
  await does('trace', '--add', 'b.repronim', '--', 'wc', '-l', 'sorted');
  const shown = JSON.parse((await does('show', '--json', 'b.repronim')).stdout) as { spec: Spec };
  assert.equal(shown.spec.runs?.length, 2);
});

test('what contradicts is said, and nothing is written', async () => {
  await does('trace', '-o', 'c.yaml', '--', 'cat', 'numbers');
  const before = readFileSync(join(work, 'c.yaml'), 'utf8');
  writeFileSync(join(work, 'numbers'), '4\n');
  const said = await types('trace', '--add', 'c.yaml', '--', 'sort', 'numbers');
  assert.equal(said.status, 3, said.stderr);
  assert.match(said.stderr, /c\.yaml and what was traced now contradict each other; nothing was written/);
  assert.match(said.stderr, /input .*\/numbers: sha256 .* in c\.yaml, sha256 .* now/);
  assert.equal(readFileSync(join(work, 'c.yaml'), 'utf8'), before);
});

test('a spec of overlays gets a base; what it sets is set, switched off, and sourced', async (t) => {
  await mirror();
  await need('python3-venv');
  t.after(async () => await types('delete', '--yes', 'over'));
  writeFileSync(join(work, 'o.yaml'), '# mine\nrepronim: 1\ndistributions:\n- type: venv\n  path: /opt/env\n');
  const planned = await does('create', '--dry-run', 'o.yaml');
  assert.match(
    planned.stdout,
    /^lay .* packages of Debian +debian \w+ with python3, by default: the spec names no base$/m,
  );
  assert.match((await does('create', 'over', 'o.yaml')).stderr, /base: debian \w+ with python3, by default/);
  await does('resolve', 'o.yaml');
  assert.match(
    readFileSync(join(work, 'o.yaml'), 'utf8'),
    /^# mine\nrepronim: 1\ndistributions:\n- type: debian\n {2}release: \w+\n {2}packages:\s+(?:- )?\S*python3\S*\n- type: venv\n/,
  );
  await does('verify', 'over', 'o.yaml');

  const prefix = ['--', 'python3', '-c', 'import sys; print(sys.prefix)'];
  assert.equal((await does('exec', 'over', ...prefix)).stdout, '/opt/env\n');
  assert.equal((await does('exec', 'over', '--with', 'debian', ...prefix)).stdout, '/usr\n');
  const script = (await does('activate', 'over')).stdout;
  assert.match(script, /^PATH=\/opt\/env\/bin"\$\{PATH:\+:\$PATH\}"; export PATH$/m);
  assert.equal((await does('activate', 'o.yaml')).stdout.replaceAll('o.yaml', 'over'), script);

  const urls = JSON.parse((await does('urls', '--json', 'o.yaml', 'python3-minimal')).stdout) as {
    what: string;
    urls: string[];
  }[];
  assert.equal(urls.length, 1);
  assert.match(urls[0]?.urls[0] ?? '', /^https?:.*\/python3-minimal_.*\.deb$/);
});
