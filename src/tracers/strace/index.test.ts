import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Argv } from '../../model/index.ts';
import type { TraceOptions, TraceResult } from '../../contract/index.ts';
import { straceTracer } from './index.ts';

const signal = new AbortController().signal;
const probed = await straceTracer.probe(signal);
const skip = probed.usable ? false : probed.because;

/** A folder with a file `data`, and one for the log, both removed afterwards. */
function place(t: TestContext): {
  readonly box: string;
  readonly trace: (argv: Argv, more?: Partial<TraceOptions>) => Promise<TraceResult>;
} {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'repronim-tracer-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const box = join(folder, 'böx');
  const work = join(folder, 'work');
  mkdirSync(box);
  mkdirSync(work);
  writeFileSync(join(box, 'data'), 'data\n');
  return {
    box,
    trace: async (argv, more) =>
      await straceTracer.trace(argv, {
        cwd: box,
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'ignore',
        stat: false,
        work,
        onProgress: () => {},
        signal,
        ...more,
      }),
  };
}

test('a probe says how, or why not', () => {
  if (probed.usable) assert.match(probed.detail, /^strace [0-9.]+/);
  else assert.ok(probed.because !== '' && probed.hint !== '');
});

test('a shell command: files, programs, names, folders', { skip }, async (t) => {
  const { box, trace } = place(t);
  symlinkSync('data', join(box, 'link'));
  mkdirSync(join(box, 'empty'));
  const result = await trace(['sh', '-c', 'cat link >copy; cd empty; exit 3']);
  assert.equal(result.status, 3);
  const find = (name: string) => result.accesses.find(({ path }) => path === join(box, name));
  assert.deepEqual(find('data')?.via, [join(box, 'link')]);
  assert.equal(find('data')?.read, true);
  assert.equal(find('copy')?.writtenFirst, true);
  assert.deepEqual(result.directories, [box, join(box, 'empty')]);
  const shell = realpathSync('/bin/sh');
  assert.ok(result.programs.some(({ file, argv }) => file === shell && argv[2]?.startsWith('cat link') === true));
  assert.ok(
    result.accesses.some(({ path, via }) => /\/ld-linux/.test(path) || via.some((name) => /\/ld-linux/.test(name))),
    'the loader',
  );
  assert.deepEqual(result.notes, []);
});

test('two traces of one command are the same', { skip }, async (t) => {
  const { trace } = place(t);
  const command = ['sh', '-c', 'sort data; cat data | wc -l; ls'] as const;
  assert.deepEqual(await trace(command), await trace(command));
});

test('the log of an earlier command is not written over: it could be read before that', { skip }, async (t) => {
  const { box, trace } = place(t);
  const [log, kept] = ['strace.log', 'kept'].map((name) => join(box, '../work', name)) as [string, string];
  writeFileSync(log, '1 +++ exited with 5 +++\n');
  linkSync(log, kept);
  assert.equal((await trace(['sh', '-c', 'exit 3'])).status, 3);
  assert.equal(readFileSync(kept, 'utf8'), '1 +++ exited with 5 +++\n');
});

test('statuses are those of a shell', { skip }, async (t) => {
  const { box, trace } = place(t);
  writeFileSync(join(box, 'bare'), 'exit 5\n');
  writeFileSync(join(box, 'broken'), '#!/nonexistent/interpreter\n');
  for (const name of ['bare', 'broken']) chmodSync(join(box, name), 0o755);
  const statuses = [];
  for (const argv of [['nosuchprogram'], ['./nosuch'], ['./data'], ['/'], ['./bare'], ['sh', '-c', 'kill -9 $$']])
    statuses.push((await trace(argv as unknown as Argv)).status);
  assert.deepEqual(statuses, [127, 127, 126, 126, 5, 137]);
  assert.equal((await trace(['./broken'])).status, 127);
});

test('streams are the command own, files behind them are recorded', { skip }, async (t) => {
  const { box, trace } = place(t);
  const stdin = openSync(join(box, 'data'), 'r');
  const stdout = openSync(join(box, 'out'), 'w');
  const result = await trace(['sh', '-c', 'cat; echo error >&2; env'], { stdin, stdout, stderr: stdout });
  closeSync(stdin);
  closeSync(stdout);
  assert.equal(
    readFileSync(join(box, 'out'), 'utf8').replace(/^(?:PWD|OLDPWD|SHLVL|_)=.*\n/gm, ''),
    'data\nerror\nPATH=/usr/bin:/bin\nLC_ALL=C.UTF-8\n',
  );
  assert.ok(result.accesses.some(({ path, read }) => path === join(box, 'data') && read));
  assert.ok(result.accesses.some(({ path, writtenFirst }) => path === join(box, 'out') && writtenFirst));
});

test('variables of the loader reach the command, not strace', { skip }, async (t) => {
  const { box, trace } = place(t);
  const stdout = openSync(join(box, 'out'), 'w');
  const env = { PATH: '/usr/bin:/bin', LD_LIBRARY_PATH: '/nonexistent/lib', LD_BIND_NOW: '1' };
  const result = await trace(['sh', '-c', 'echo "$LD_LIBRARY_PATH"'], { stdout, env });
  closeSync(stdout);
  assert.equal(result.status, 0);
  assert.equal(readFileSync(join(box, 'out'), 'utf8'), '/nonexistent/lib\n');
});
