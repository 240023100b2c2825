import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import type { TraceResult } from '../../src/contract/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { straceTracer } from '../../src/tracers/strace/index.ts';
import { buildTrap, judgeTrap, prepareBox, traceTrap, trapEnvironment, traps } from '../traps/suite.ts';
import { need } from './need.ts';

const scratch = mkdtempSync(join(tmpdir(), 'repronim-traps-'));
const programs = join(scratch, 'programs');
const isRoot = process.getuid?.() === 0;
const folder = join(import.meta.dirname, '../traps');

before(async () => {
  mkdirSync(programs);
  chmodSync(scratch, 0o755);
  await need('strace', 'gcc', 'libc6-dev', 'make', 'python3', 'perl');
});
after(() => rmSync(scratch, { recursive: true, force: true }));

for (const trap of traps)
  test(`trap: ${trap.name}`, { timeout: 60_000 }, async (t) => {
    if (trap.root === true && !isRoot) return t.skip('only root can do this');
    const { box, work } = rooms(trap.name);
    const argv = await buildTrap(trap, programs, box);
    if (argv === undefined) return t.skip(`this gcc has no ${trap.flags?.join(' ')}`);
    const { truth, result } = await traceTrap(trap, argv, box, work);
    if (trap.optional === true && result.status === 126) return t.skip('this kernel does not run it');
    if (result.status === 77) return t.skip('this kernel, filesystem or container does not let it');
    assert.equal(result.status, trap.status ?? 0);
    assert.ok(truth.length > 0);
    assert.deepEqual(judgeTrap(truth, result, box, work), { missed: [], wrong: [] });
  });

test('fanotify saw nothing that strace did not', { timeout: 120_000 }, async (t) => {
  if (!isRoot) return t.skip('only root can ask fanotify');
  await need('fatrace', 'util-linux');
  const place = mkdtempSync(join(scratch, 'witness-'));
  const namespace = ['-m', '-p', '-f', '--mount-proc'];
  const able = await runProcess(['unshare', ...namespace, 'true'], { accept: 'any' });
  if (able.status !== 0) return t.skip('no namespaces here');
  const run = await runProcess(['unshare', ...namespace, process.execPath, join(folder, 'witness.ts'), place]);
  const { seen, missed } = JSON.parse(run.stdout.toString()) as { seen: number; missed: string[] };
  if (seen === 0) return t.skip('fanotify sees nothing here: a container of which it may not mark the mounts');
  assert.ok(seen > 500, `fanotify saw ${seen} paths only`);
  assert.deepEqual(missed, []);
});

test('a setuid program that an ordinary user runs is traced, and said', async (t) => {
  if (!isRoot) return t.skip('only root can make such a program');
  const { box, work } = rooms('setuid');
  const trap = { name: 'privileged', source: 'privileged.c' };
  const argv = await buildTrap(trap, programs, box);
  assert.ok(argv);
  const tool = join(box, 'given/tool');
  copyFileSync(argv[0], tool);
  chmodSync(tool, 0o4755);
  chownSync(work, 65534, 65534);
  const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const readable = await runProcess(
    ['setpriv', ...user, process.execPath, '-e', `import(${JSON.stringify(join(folder, 'suite.ts'))})`],
    { accept: 'any' },
  );
  if (readable.status !== 0) return t.skip('this checkout is not readable by others');
  const run = await runProcess(['setpriv', ...user, process.execPath, join(folder, 'one.ts'), work, box, tool]);
  assert.equal(run.status, 0);
  const result = JSON.parse(readFileSync(join(work, 'result.json'), 'utf8')) as TraceResult;
  assert.ok(result.accesses.some((access) => access.path === join(box, 'given/data') && access.read));
  assert.ok(result.notes.some((note) => note.path === tool && note.kind === 'warning'));
});

test('what a program only asks about is traced when that is wanted', async () => {
  const { box, work } = rooms('asks');
  const trace = async (stat: boolean) =>
    await straceTracer.trace(['/bin/sh', '-c', 'test -f given/data; test -e given/missing; exit 0'], {
      ...quiet(box, work),
      stat,
    });
  const find = (result: TraceResult) => result.accesses.find((access) => access.path === join(box, 'given/data'));
  assert.equal(find(await trace(false)), undefined);
  const asked = await trace(true);
  assert.equal(find(asked)?.asked, true);
  assert.equal(find(asked)?.read, false);
  assert.ok(!asked.accesses.some((access) => access.path.endsWith('missing')));
});

test('a daemon that does not end is left alone, and said', { timeout: 30_000 }, async () => {
  const { box, work } = rooms('daemon-left');
  const result = await straceTracer.trace(
    ['/bin/sh', '-c', 'sleep 60 >/dev/null & echo $! >pid; exit 4'],
    quiet(box, work),
  );
  assert.equal(result.status, 4);
  assert.ok(result.notes.some((note) => note.kind === 'incomplete' && note.text.includes('run on')));
  const left = Number(readFileSync(join(box, 'pid'), 'utf8'));
  process.kill(left, 0); // throws where it has ended
  process.kill(left);
});

test('an abort ends the command, and what it did is told', { timeout: 20_000 }, async () => {
  const { box, work } = rooms('abort');
  const stop = new AbortController();
  const running = straceTracer.trace(['/bin/sh', '-c', 'cat given/data; sleep 100'], {
    ...quiet(box, work),
    signal: stop.signal,
  });
  await setTimeout(700);
  stop.abort();
  const result = await running;
  assert.equal(result.status, 143);
  assert.ok(result.accesses.some((access) => access.path === join(box, 'given/data')));
  assert.ok(result.notes.some((note) => note.text.includes('interrupted')));
});

test('an interactive shell works, and Ctrl-C is for its program', { timeout: 30_000 }, async () => {
  await need('bsdutils', 'bash');
  const { box, work } = rooms('interactive');
  const line = [process.execPath, join(folder, 'one.ts'), work, box, '/bin/bash', '--norc', '-i'];
  const terminal = spawn('script', ['-q', '-e', '-c', line.map(quote).join(' '), '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const ended = once(terminal, 'close');
  const type = async (text: string, until: RegExp) => {
    terminal.stdin.write(text);
    for (let tries = 0; tries < 200 && !until.test(shown); tries += 1) await setTimeout(50);
    assert.match(shown, until);
  };
  await type('echo begin-$((1+1)); cat given/data\n', /begin-2\s+some data/);
  await type('echo sleep-$((2+2)); sleep 60\n', /sleep-4/);
  await setTimeout(500);
  await type('\x03', /\^C/);
  await type('echo status-$?\n', /status-130/);
  await type('sleep 50 & jobs; kill %1; echo jobs-$((3+3))\n', /Running.*jobs-6/s);
  terminal.stdin.write('exit 5\n');
  assert.deepEqual(await ended, [5, null]);
  const result = JSON.parse(readFileSync(join(work, 'result.json'), 'utf8')) as TraceResult;
  assert.equal(result.status, 5);
  assert.ok(result.accesses.some((access) => access.path === join(box, 'given/data') && access.read));
});

function rooms(name: string): { readonly box: string; readonly work: string } {
  const box = join(scratch, name, 'box');
  const work = join(scratch, name, 'work');
  prepareBox(box);
  mkdirSync(work);
  return { box, work };
}

function quiet(cwd: string, work: string) {
  return {
    cwd,
    env: trapEnvironment,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    stat: false,
    work,
    onProgress: () => {},
    signal: new AbortController().signal,
  } as const;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
