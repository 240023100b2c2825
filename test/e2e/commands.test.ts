/** Command lines that a person would try, and what they read: experience.md's manners, end to end. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { runProcess } from '../../src/sessions/process.ts';
import { need, scratch } from './need.ts';
import { cases, type Case } from './command-lines.ts';
import { myself, said, start, type, withUser, type Person } from './person.ts';
import { onTerminal } from './terminal.ts';

/** State in memory; work below the temporary folder, as a run in /dev/shm can't be repeated. */
const me = myself(scratch('commands', 4 * 2 ** 30));
const work = mkdtempSync(join(tmpdir(), 'repronim-commands-'));
after(() => rmSync(work, { recursive: true, force: true }));

const reproduced = /^reproduced: same environment, same results\.$/m;
async function tryOne(t: TestContext, title: string, wanted: Case, person: Person, folder: string): Promise<void> {
  const command = typeof wanted.command === 'function' ? wanted.command(person) : wanted.command;
  if ('skip' in command) return t.skip(command.skip);
  const directory = join(folder, wanted.folder ?? title.replaceAll(/[^a-z]+/gi, '-'));
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(wanted.files ?? {})) writeFileSync(join(directory, name), content);
  if (person.as.length > 0) await runProcess(['chown', '-R', person.name, directory]);
  const stdin = wanted.stdin;
  const typed = await type(person, ['reproduce', '--', ...command], {
    directory,
    ...(stdin === undefined ? {} : { stdin: 'file' in stdin ? { file: join(directory, stdin.file) } : stdin }),
  });
  const all = `${typed.stderr}${typed.stdout}`;
  assert.match(typed.stderr, wanted.replay, all);
  assert.match(typed.stdout, wanted.end ?? reproduced, all);
  assert.equal(typed.status, wanted.status ?? 0, all);
  if (wanted.prints !== undefined) assert.equal(typed.stderr.split(wanted.prints).length, 3, all);
  const there = [...Object.keys(wanted.files ?? {}), ...Object.keys(wanted.makes ?? {})];
  assert.deepEqual(readdirSync(directory).sort(), [...new Set(there)].sort(), 'nothing else is written there');
  for (const [name, content] of Object.entries(wanted.makes ?? {})) {
    if (content !== undefined) assert.equal(readFileSync(join(directory, name), 'utf8'), content);
  }
}

describe('reproduce -- COMMAND', { concurrency: 2 }, () => {
  describe('as whoever runs the tests', { concurrency: 1 }, () => {
    const folder = join(work, 'mine');
    for (const [title, wanted] of Object.entries(cases)) {
      test(title, async (t) => await tryOne(t, title, wanted, me, folder));
    }
  });

  const skip = process.getuid?.() === 0 ? false : 'whoever runs the tests is one already';
  describe('as an ordinary user', { concurrency: 1, skip }, () => {
    const top = mkdtempSync(join(tmpdir(), 'repronim-user-'));
    let user: Person & AsyncDisposable;
    before(async () => {
      await need('uidmap');
      user = await withUser(top);
    });
    after(async () => {
      await user[Symbol.asyncDispose]();
      rmSync(top, { recursive: true, force: true });
    });
    for (const [title, wanted] of Object.entries(cases)) {
      if (wanted.alike !== true) test(title, async (t) => await tryOne(t, title, wanted, user, join(top, 'home')));
    }
  });
});

describe('trace -- COMMAND', () => {
  let number = 0;
  const fresh = () => {
    const folder = join(work, `trace-${(number += 1)}`);
    mkdirSync(folder);
    return folder;
  };

  test('leaves the streams and the status to the command, and says the rest on standard error', async () => {
    const directory = fresh();
    writeFileSync(join(directory, 'in'), 'x\n');
    const script = 'cat in > out; cat; echo mine; echo also mine >&2; exit 7';
    const typed = await type(me, ['trace', '--', 'bash', '-c', script], { directory, stdin: { pipe: 'given\n' } });
    assert.equal(typed.status, 7);
    assert.equal(typed.stdout, 'given\nmine\n');
    assert.match(typed.stderr, /^also mine\ntrace {5}\d+ files of \d+ Debian packages; 0 loose files\n/);
    assert.match(typed.stderr, /^wrote {5}repronim\.yaml$/m);
    assert.deepEqual(readdirSync(directory).sort(), ['in', 'out', 'repronim.yaml']);
    const spec = readFileSync(join(directory, 'repronim.yaml'), 'utf8');
    assert.match(spec, /\n {2}status: 7\n {2}inputs: \[in\]\n {2}outputs: \[out\]\n/);
  });

  test('-q says nothing', async () => {
    const directory = fresh();
    const typed = await type(me, ['trace', '-q', '--', 'sh', '-c', 'echo mine; kill -TERM $$'], { directory });
    assert.deepEqual(typed, { status: 143, stdout: 'mine\n', stderr: '' });
  });

  test('another spec is not replaced, and that is said before the command is run', async () => {
    const directory = fresh();
    writeFileSync(join(directory, 'repronim.yaml'), 'mine\n');
    const refused = await type(me, ['trace', '--', 'touch', 'ran'], { directory });
    assert.equal(refused.status, 2);
    assert.equal(refused.stdout, '');
    assert.match(refused.stderr, /^error: repronim\.yaml is there already\nhint: .*--force\n$/);
    assert.deepEqual(readdirSync(directory), ['repronim.yaml']);
    assert.equal(readFileSync(join(directory, 'repronim.yaml'), 'utf8'), 'mine\n');
    const forced = await type(me, ['trace', '--force', '--', 'touch', 'ran'], { directory });
    assert.equal(forced.status, 0, forced.stderr);
    assert.match(readFileSync(join(directory, 'repronim.yaml'), 'utf8'), /^repronim: 1\n/);
  });

  test('-o - is the spec, --json one JSON value: the command then writes to standard error', async () => {
    const directory = fresh();
    const dash = await type(me, ['trace', '-o', '-', '--', 'echo', 'mine'], { directory });
    assert.equal(dash.status, 0);
    assert.match(dash.stdout, /^repronim: 1\nruns:\n- command: \[echo, mine\]\n/);
    assert.match(dash.stderr, /^mine\ntrace /);
    const json = await type(me, ['trace', '--json', '-o', '-', '--', 'echo', 'mine'], { directory });
    assert.equal(json.status, 0);
    const value = JSON.parse(json.stdout) as { spec: { runs: readonly { command: readonly string[] }[] } };
    assert.deepEqual(value.spec.runs[0]?.command, ['echo', 'mine']);
    assert.match(json.stderr, /^mine\n/);
    assert.deepEqual(readdirSync(directory), []);
  });

  test('126 and 127 are what a shell says', async () => {
    const directory = fresh();
    writeFileSync(join(directory, 'plain'), 'text\n');
    const ways = [
      [127, 'no-such-command', /^error: no-such-command: there is no such command\n/],
      [126, './plain', /^error: \.\/plain: it cannot be executed\n/],
    ] as const;
    for (const [status, command, says] of ways) {
      const typed = await type(me, ['trace', '--', command], { directory });
      assert.equal(typed.status, status);
      assert.match(typed.stderr, says);
      assert.deepEqual(readdirSync(directory), ['plain']);
    }
  });

  test('of a shell on a terminal is that shell', async () => {
    const directory = fresh();
    writeFileSync(join(directory, 'in'), 'x\n');
    await using terminal = onTerminal(me, ['trace', '--', 'bash', '--norc', '--noediting'], directory);
    await terminal.shows(/[#$] $/);
    terminal.types(`PS1='[$?]'\n`);
    await terminal.shows(/\r\n\[0\]/);
    terminal.types('tty && cp in out; cat\n');
    await terminal.shows(/\n\/dev\/pts\/\d+\r\n/);
    terminal.types('to cat\n');
    await terminal.shows(/to cat\r\nto cat\r\n/);
    terminal.types('\u0003');
    await terminal.shows(/\[130\]/);
    terminal.types('exit 5\n');
    const { status, shown } = await terminal.end();
    assert.equal(status, 5, shown);
    assert.match(shown, /wrote {5}repronim\.yaml\r\n$/);
    const spec = readFileSync(join(directory, 'repronim.yaml'), 'utf8');
    assert.match(spec, /\n- command: \[bash, --norc, --noediting\]\n/);
    assert.match(spec, /\n {2}status: 5\n {2}inputs: \[in\]\n {2}outputs: \[out\]\n/);
  });

  test('Ctrl-C on a terminal is for the command, and is traced', async () => {
    const directory = fresh();
    const script = `trap 'echo caught > out; exit 9' INT; echo ready; while :; do sleep 0.1; done`;
    await using terminal = onTerminal(me, ['trace', '--', 'sh', '-c', script], directory);
    await terminal.shows(/ready/);
    terminal.types('\u0003');
    const { status, shown } = await terminal.end();
    assert.equal(status, 9, shown);
    assert.match(readFileSync(join(directory, 'repronim.yaml'), 'utf8'), /\n {2}status: 9\n {2}outputs: \[out\]\n/);
  });
});

describe('reproduce', () => {
  const directory = join(work, 'reproduce');
  const command = ['sh', '-c', 'echo same > out; echo mine'];
  const listed = async () => (await type(me, ['ls', '--json'], { directory: work })).stdout;

  test('--json is one JSON value, -q the answer alone; the same again takes the place of what was there', async () => {
    mkdirSync(directory);
    const first = await type(me, ['reproduce', '--json', '--', ...command], { directory });
    assert.equal(first.status, 0, first.stderr);
    const { outcome, name } = JSON.parse(first.stdout) as { outcome: string; name: string };
    assert.equal(outcome, 'reproduced');
    assert.match(name, /^reproduce-[0-9a-f]{4}$/);
    assert.match(first.stderr, /^mine\n/);
    const before = await listed();
    assert.equal(before.split(`"${name}"`).length, 2);
    rmSync(join(directory, 'out')); // as before the first
    const quiet = await type(me, ['reproduce', '-q', '--', ...command], { directory });
    assert.equal(quiet.status, 0);
    assert.equal(quiet.stderr, 'mine\nmine\n');
    assert.match(quiet.stdout, new RegExp(`^\nreproduced: .*\n +enter it +repronim login ${name}\n`));
    assert.equal(await listed(), before);
    assert.deepEqual(readdirSync(directory), ['out']);
  });

  test('-o keeps the file, and another of that name is not replaced unasked', async () => {
    const typed = await type(me, ['reproduce', '--rm', '-o', 'kept.yaml', '--', ...command], { directory });
    assert.equal(typed.status, 0, typed.stderr);
    assert.doesNotMatch(typed.stdout, /login/);
    assert.match(readFileSync(join(directory, 'kept.yaml'), 'utf8'), /^repronim: 1\n/);
    rmSync(join(directory, 'out'));
    const refused = await type(me, ['reproduce', '-o', 'kept.yaml', '--', ...command], { directory });
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(refused.stderr, /^error: kept\.yaml is there already\nhint: .*--force\n$/);
    assert.deepEqual(readdirSync(directory), ['kept.yaml'], 'the command was not run');
    const word = await type(me, ['reproduce', '--name', 'host', '--', ...command], { directory });
    assert.equal(word.status, 2, word.stderr);
    assert.deepEqual(readdirSync(directory), ['kept.yaml'], 'nor with a name that is none');
    const own = await type(me, ['reproduce', 'kept.yaml'], { directory });
    assert.equal(own.status, 0, own.stderr);
    assert.match(own.stdout, reproduced);
    assert.deepEqual(readdirSync(directory), ['kept.yaml']);
  });

  test('of a program instead of a spec says what was meant', async () => {
    writeFileSync(join(directory, 'run'), '#!/bin/sh\necho hi\n', { mode: 0o755 });
    const typed = await type(me, ['reproduce', './run'], { directory });
    assert.equal(typed.status, 2);
    assert.equal(typed.stdout, '');
    assert.match(typed.stderr, /^error: \.\/run is not a spec\nhint: {2}did you mean repronim reproduce -- \.\/run\?/);
  });

  test('Ctrl-C stops it and leaves nothing behind', async () => {
    const before = await listed();
    const child = start(me, ['reproduce', '--', 'sh', '-c', 'echo other > out; dd --version'], { directory });
    let shown = '';
    child.stderr?.on('data', (text: string) => {
      if (!/^trace /m.test(shown) && /^trace /m.test((shown += text))) child.kill('SIGINT');
    });
    const typed = await said(child);
    assert.equal(typed.status, 130, typed.stderr);
    assert.match(typed.stderr, /^interrupted: tidying up/m);
    assert.equal(typed.stdout, '');
    assert.equal(await listed(), before);
    assert.deepEqual(readdirSync(join(me.env['REPRONIM_HOME'] ?? '', 'data/work')), []);
  });
});

test('create with a file for a name says what was meant', async () => {
  writeFileSync(join(work, 'study.yaml'), 'repronim: 1\n');
  const typed = await type(me, ['create', 'study.yaml'], { directory: work });
  assert.equal(typed.status, 2);
  assert.match(typed.stderr, /^error: study\.yaml is a file, not a name\nhint: .*create NAME study\.yaml\?\n$/);
});
