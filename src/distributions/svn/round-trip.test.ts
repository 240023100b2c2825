import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { parse } from 'valibot';

import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { parseWorkingCopy, readWorkingCopy } from './database.ts';
import { svn } from './index.ts';
import { parseProperties } from './properties.ts';
import { changedPaths } from './status.ts';
import { isTranslated, toNormalForm } from './translate.ts';

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };
const without = existsSync('/usr/bin/svn') ? false : 'svn is not installed';

async function run(cwd: string, ...args: string[]): Promise<string> {
  return (await runProcess(['svn', ...args], { cwd, env })).stdout.toString('utf8');
}

/** A working copy with something of everything that Subversion knows. */
async function newCopy(folder: string, top: string): Promise<void> {
  await runProcess(['svnadmin', 'create', join(folder, 'repository')], { env });
  mkdirSync(join(top, '..'), { recursive: true });
  await run(folder, '-q', 'checkout', `file://${folder}/repository`, top);
  mkdirSync(join(top, 'trunk/dir with space'), { recursive: true });
  const texts = {
    'a.txt': 'one\n',
    'b.txt': 'b\n',
    'dir with space/ü.txt': 'ü\n',
    'keywords.txt': '$Id$ $Rev$ $Date::                 $ $Unknown$\n',
    'crlf.txt': 'a\r\nb\r\n',
    'native.txt': 'a\nb\n',
    run: '#!/bin/sh\n',
    'gone.txt': 'gone\n',
    'moved.txt': 'moved\n',
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(top, 'trunk', name), text);
  symlinkSync('a.txt', join(top, 'trunk/link'));
  await run(top, '-q', 'add', 'trunk');
  await run(top, '-q', 'propset', 'svn:keywords', 'Id Rev Date', 'trunk/keywords.txt');
  await run(top, '-q', 'propset', 'svn:eol-style', 'CRLF', 'trunk/crlf.txt');
  await run(top, '-q', 'propset', 'svn:eol-style', 'native', 'trunk/native.txt');
  await run(top, '-q', 'propset', 'svn:executable', '*', 'trunk/run');
  await run(top, '-q', 'commit', '-m', 'one');
  appendFileSync(join(top, 'trunk/a.txt'), 'two\n');
  await run(top, '-q', 'commit', '-m', 'two');
}

async function change(top: string): Promise<void> {
  appendFileSync(join(top, 'trunk/b.txt'), 'changed\n');
  appendFileSync(join(top, 'trunk/keywords.txt'), 'changed\n');
  writeFileSync(join(top, 'trunk/new.txt'), 'new\n');
  await run(top, '-q', 'add', 'trunk/new.txt');
  await run(top, '-q', 'rm', 'trunk/gone.txt');
  await run(top, '-q', 'mv', 'trunk/moved.txt', 'trunk/there.txt');
  await run(top, '-q', 'propset', 'p', 'v', 'trunk/native.txt');
  rmSync(join(top, 'trunk/link'));
  symlinkSync('b.txt', join(top, 'trunk/link'));
  rmSync(join(top, 'trunk/run'));
  writeFileSync(join(top, 'untracked'), '');
}

async function statusOf(top: string): Promise<string[]> {
  const lines = (await run(top, 'status', '--quiet', '--ignore-externals')).split('\n');
  return lines.flatMap((line) => (/^[^ >X]| [^ >] {5}/.test(line.slice(0, 7)) ? [line.slice(8)] : [])).sort();
}

test('what was changed is what svn says, without svn', { skip: without }, async (t) => {
  const { folder } = contexts(t);
  const top = join(folder, 'root/copy');
  await newCopy(folder, top);
  const root = localRoot(join(folder, 'root'));
  const changed = async () => {
    const copy = await readWorkingCopy(root, '/copy');
    assert.ok(!('because' in copy), JSON.stringify(copy));
    return [...(await changedPaths(root, '/copy', copy))].sort();
  };
  assert.deepEqual(await changed(), []);
  // other times alone are no change
  for (const name of ['a.txt', 'keywords.txt', 'crlf.txt', 'native.txt', 'run'])
    utimesSync(join(top, 'trunk', name), 1, 1);
  assert.deepEqual(await changed(), await statusOf(top));
  await change(top);
  const theirs = await statusOf(top);
  assert.ok(theirs.length >= 9, theirs.join());
  assert.deepEqual(await changed(), theirs);
});

test('a working copy comes back exactly, and svn takes it for the same', { skip: without }, async (t) => {
  const { folder, tracing, creating, store } = contexts(t);
  const top = join(folder, 'root/copy');
  await newCopy(folder, top);
  await change(top);
  await run(top, '-q', 'propset', 'svn:externals', 'other ^/trunk', '.');
  const root = localRoot(join(folder, 'root'));
  const described = await svn.describe(await svn.claim(['/copy/trunk/a.txt'], root, tracing), root, tracing);
  const [one] = described.distributions;
  const spec = parse(svn.schema, JSON.parse(JSON.stringify(one?.spec)));
  const lock = parse(svn.lockSchema, { of: `sha256:${'0'.repeat(64)}`, ...one?.lock });
  assert.deepEqual(described.notes, []);
  assert.equal(spec.url, `file://${folder}/repository`);
  const version = (await runProcess(['svnversion', top], { env })).stdout.toString().trim();
  assert.equal(`${spec.revision}M`, version);
  assert.equal(spec.uuid, (await run(top, 'info', '--show-item', 'repos-uuid')).trim());
  assert.equal(spec.changes, (await statusOf(top)).length);

  const state = async (at: string) => ({
    status: await run(at, 'status'),
    diff: await run(at, 'diff'),
    info: (await run(at, 'info', '-R')).replaceAll(at, ''),
  });
  const before = await state(top);
  renameSync(join(folder, 'repository'), join(folder, 'nobody'));
  const prepared = await svn.prepare?.(spec, lock, creating);
  assert.deepEqual(prepared?.missing, []);
  assert.deepEqual((await svn.prepare?.(spec, lock, creating))?.made, prepared?.made, 'the same bytes each time');
  const made = join(folder, 'made');
  await unpackSteps(svn.plan(spec, lock, prepared?.made ?? {}), made, store);
  writeFileSync(join(made, 'copy/untracked'), '');
  assert.deepEqual(await state(join(made, 'copy')), before);
  const place = localRoot(made);
  assert.deepEqual((await svn.observe(spec, place, tracing)).packages, svn.packages(spec, lock));
  assert.deepEqual((await svn.check?.(spec, lock, place, tracing))?.differing, []);

  appendFileSync(join(made, 'copy/trunk/a.txt'), 'planted\n');
  rmSync(join(made, 'copy/trunk/crlf.txt'));
  const checked = await svn.check?.(spec, lock, place, tracing);
  assert.deepEqual(
    checked?.differing.map(({ path, kind }) => `${kind} ${path}`),
    ['changed /copy/trunk/a.txt', 'missing /copy/trunk/crlf.txt'],
  );
});

test('a loose entry is resolved and checked out, from a repository that may be asked', { skip: without }, async (t) => {
  const { folder, creating, store, tracing } = contexts(t);
  await newCopy(folder, join(folder, 'root/copy'));
  const wish = parse(svn.schema, { type: 'svn', path: '/code', url: `file://${folder}/repository/trunk` });
  await assert.rejects(
    svn.resolve?.(wish, undefined, creating, true) ?? Promise.resolve(),
    /no address that may be asked/,
  );
  const trusting = { ...creating, trusted: true };
  const lock = { of: `sha256:${'0'.repeat(64)}` as const, ...(await svn.resolve?.(wish, undefined, trusting, true)) };
  assert.equal(lock.revision, '2');
  const prepared = await svn.prepare?.(wish, lock, trusting);
  const made = join(folder, 'made');
  await unpackSteps(svn.plan(wish, lock, prepared?.made ?? {}), made, store);
  assert.deepEqual(await statusOf(join(made, 'code')), []);
  assert.deepEqual((await svn.observe(wish, localRoot(made), tracing)).packages, svn.packages(wish, lock));
  assert.equal(svn.edit?.({ ...wish, revision: '1' }, { upgrade: true }).revision, undefined);
  assert.equal(svn.edit?.(wish, { upgrade: ['r1'] }).revision, '1');
  assert.throws(() => svn.edit?.(wish, { install: ['x'] }), /no revision/);
});

test('properties and keywords are read as svn writes them', async () => {
  const list = parseProperties(Buffer.from('(svn:keywords 7 Id\nURL  svn:executable 1 * p 4 a(b))'));
  assert.deepEqual(
    [...list],
    [
      ['svn:keywords', 'Id\nURL '],
      ['svn:executable', '*'],
      ['p', 'a(b)'],
    ],
  );
  for (const odd of ['', '(', '(a', '(a 99 b)', '99', '(a (b c))']) parseProperties(Buffer.from(odd));
  const properties = new Map([['svn:keywords', 'id headurl Mine=%a']]);
  assert.ok(isTranslated(properties));
  const text = '$Id: a 1 $ $URL: file:///x $ $HeadURL:: abc  $ $Mine: me $ $Rev: 1 $ $Id:$ 5$';
  assert.equal(
    toNormalForm(Buffer.from(text), properties).toString(),
    '$Id$ $URL$ $HeadURL::      $ $Mine$ $Rev: 1 $ $Id$ 5$',
  );
  assert.deepEqual(await parseWorkingCopy(Buffer.from('SQLite format 3\0')), { because: 'its wc.db can not be read' });
});
