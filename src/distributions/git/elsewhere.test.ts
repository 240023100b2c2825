import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { parse } from 'valibot';

import { gitIn } from '../../../test/fakes/annex.ts';
import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { sha256 } from '../../model/index.ts';
import { git } from './index.ts';

async function newRepository(top: string): Promise<void> {
  mkdirSync(join(top, 'dir'), { recursive: true });
  await gitIn(top, 'init', '-q', '-b', 'main');
  writeFileSync(join(top, 'a.txt'), 'one\n');
  writeFileSync(join(top, 'dir/b.txt'), 'two\n');
  await gitIn(top, 'add', '-A');
  await gitIn(top, 'commit', '-q', '-m', 'first');
}

/** Traces what was used, in a root, and makes it again below the folder. */
async function roundTrip(
  t: TestContext,
  folder: string,
  used: readonly string[],
  root = localRoot(join(folder, 'root')),
) {
  const { tracing, creating, store } = contexts(t);
  const owned = await git.claim(used, root, tracing);
  const { distributions, notes } = await git.describe(owned, root, tracing);
  const made = join(folder, 'made');
  const specs = [];
  for (const one of distributions) {
    const spec = parse(git.schema, JSON.parse(JSON.stringify(one.spec)));
    const lock = parse(git.lockSchema, { of: `sha256:${'0'.repeat(64)}`, ...one.lock });
    const prepared = await git.prepare?.(spec, lock, creating);
    assert.deepEqual(prepared?.missing, []);
    await unpackSteps(git.plan(spec, lock, prepared?.made ?? {}), made, store);
    const place = localRoot(made);
    assert.deepEqual((await git.observe(spec, place, tracing)).packages, git.packages(spec, lock));
    const check = async () => (await git.check?.(spec, lock, place, tracing))?.differing ?? [];
    assert.deepEqual(await check(), []);
    specs.push({ spec, lock, check });
  }
  return { owned, specs, notes, made };
}

test('what is read in a git dir elsewhere is read for the work tree that has it', async (t) => {
  const { folder } = contexts(t);
  const top = (name: string) => join(folder, 'root', name);
  await newRepository(top('main'));
  await gitIn(top('main'), 'worktree', 'add', '-q', '-b', 'topic', top('linked'));
  await gitIn(folder, 'clone', '-q', '--bare', top('main'), top('bare'));
  await gitIn(top('bare'), 'worktree', 'add', '-q', '-b', 'other', top('ofbare'));
  await gitIn(folder, 'clone', '-q', '--separate-git-dir', top('apart'), top('main'), top('clone'));
  await gitIn(folder, 'clone', '-q', '--shared', top('main'), top('borrower'));
  // links to git dirs are absolute: the root is this machine's
  const cases = {
    linked: ['linked/a.txt', 'main/.git/worktrees/linked/HEAD', 'main/.git/config'],
    ofbare: ['ofbare/a.txt', 'bare/worktrees/ofbare/HEAD', 'bare/packed-refs'],
    clone: ['clone/a.txt', 'apart/HEAD', 'apart/objects/pack'],
    borrower: ['borrower/a.txt', 'borrower/.git/HEAD', 'main/.git/objects/info'],
  };
  for (const [name, paths] of Object.entries(cases)) {
    const project = top(name);
    const used = paths.map(top);
    const { owned, specs, made, notes } = await roundTrip(t, folder, used, localRoot());
    assert.deepEqual(
      used.map((path) => owned.get(path)?.[0]?.key),
      used.map(() => project),
      project,
    );
    assert.deepEqual(
      specs.map(({ spec }) => spec.path),
      [project],
    );
    const repository = { linked: top('main'), ofbare: top('bare') }[name];
    assert.deepEqual(
      notes.map(({ kind, text }) => [kind, / repository in (\S+):/.exec(text)?.[1]]),
      repository === undefined ? [] : [['partial', repository]],
    );
    assert.equal(await gitIn(join(made, project), 'rev-parse', 'HEAD'), await gitIn(project, 'rev-parse', 'HEAD'));
    assert.equal(await gitIn(join(made, project), 'status', '--porcelain'), '');
    await gitIn(join(made, project), 'fsck', '--strict');
  }
});

test('absorbed and nested submodules, and a git dir behind a link', async (t) => {
  const { folder } = contexts(t);
  const top = join(folder, 'root/main');
  for (const name of ['root/main', 'inner', 'innermost']) await newRepository(join(folder, name));
  const add = ['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q'];
  await gitIn(join(folder, 'inner'), ...add, join(folder, 'innermost'), 'deep');
  await gitIn(join(folder, 'inner'), 'commit', '-q', '-m', 'deep');
  await gitIn(top, ...add, join(folder, 'inner'), 'sub');
  await gitIn(top, '-c', 'protocol.file.allow=always', 'submodule', 'update', '-q', '--init', '--recursive');
  await gitIn(top, 'commit', '-q', '-m', 'sub');
  appendFileSync(join(top, 'sub/deep/a.txt'), 'changed\n');
  const used = ['/main/sub/deep/a.txt', '/main/.git/modules/sub/modules/deep/HEAD', '/main/sub/.git'];
  const { owned, specs, made } = await roundTrip(t, folder, used);
  assert.deepEqual(
    [...owned.values()].map(([owner]) => owner?.key),
    ['/main', '/main', '/main'],
  );
  assert.deepEqual(
    specs[0]?.spec.submodules?.map(({ path, changes }) => [path, changes]),
    [
      ['sub', undefined],
      ['sub/deep', 1],
    ],
  );
  const state = async (at: string) => [
    await gitIn(at, 'status', '--porcelain=v2'),
    // by which branch the commit is described: branches that are not checked out do not come back
    (await gitIn(at, 'submodule', 'status', '--recursive')).replaceAll(/\(.*\)/g, ''),
  ];
  assert.deepEqual(await state(join(made, 'main')), await state(top));
});

test('files that git-lfs has checked out come back, with pointers in git', async (t) => {
  const { folder } = contexts(t);
  const top = join(folder, 'root/large');
  await newRepository(top);
  const content = 'large\n'.repeat(1000);
  const pointer = (text: string) =>
    `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(text)}\nsize ${text.length}\n`;
  writeFileSync(join(top, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  for (const name of ['here.bin', 'changed.bin']) writeFileSync(join(top, name), pointer(content));
  writeFileSync(join(top, 'pointer.bin'), pointer('not checked out'));
  await gitIn(top, 'add', '-A');
  await gitIn(top, 'commit', '-q', '-m', 'pointers');
  for (const [name, value] of [
    ['clean', 'git-lfs clean -- %f'],
    ['smudge', 'touch /tmp/run'],
  ])
    await gitIn(top, 'config', `filter.lfs.${name}`, value ?? '');
  writeFileSync(join(top, 'here.bin'), content);
  writeFileSync(join(top, 'changed.bin'), 'changed by hand\n');
  const { specs, made } = await roundTrip(t, folder, ['/large/here.bin']);
  const [one] = specs;
  assert.equal(one?.spec.changes, 1);
  assert.deepEqual(one?.lock.large, [{ path: 'here.bin', size: content.length, sha256: sha256(content) }]);
  assert.ok(git.contents(one.spec, one.lock).kept.some((ref) => ref.sha256 === sha256(content)));
  const read = (name: string) => readFileSync(join(made, 'large', name), 'utf8');
  assert.deepEqual(
    [read('here.bin'), read('changed.bin'), read('pointer.bin')],
    [content, 'changed by hand\n', pointer('not checked out')],
  );
  assert.equal(await gitIn(join(made, 'large'), 'show', 'HEAD:here.bin'), pointer(content));
  assert.match(read('.git/config'), /smudge = "git-lfs smudge -- %f"/);
  writeFileSync(join(made, 'large/here.bin'), content.toUpperCase());
  assert.deepEqual(
    (await one.check()).map(({ path, kind }) => `${kind} ${path}`),
    ['changed /large/here.bin'],
  );
});

test('what git fsck finds is found: a pack, an index, a loose object', async (t) => {
  const { folder } = contexts(t);
  await newRepository(join(folder, 'root/code'));
  const { specs, made } = await roundTrip(t, folder, ['/code/a.txt']);
  const objects = join(made, 'code/.git/objects');
  writeFileSync(join(made, 'code/new'), 'new\n');
  const loose = (await gitIn(join(made, 'code'), 'hash-object', '-w', 'new')).trim();
  assert.deepEqual(await specs[0]?.check(), []);
  const pack = readdirSync(join(objects, 'pack')).find((name) => name.endsWith('.pack'));
  const planted = [`pack/${pack}`, `${loose.slice(0, 2)}/${loose.slice(2)}`];
  for (const name of planted) {
    const bytes = readFileSync(join(objects, name));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    rmSync(join(objects, name));
    writeFileSync(join(objects, name), bytes);
  }
  await assert.rejects(gitIn(join(made, 'code'), 'fsck'));
  assert.deepEqual(
    (await specs[0]?.check())?.map(({ path }) => path),
    planted.map((name) => `/code/.git/objects/${name}`).toSorted(),
  );
  cpSync(join(folder, 'root/code/.git'), join(folder, 'kept'), { recursive: true });
  rmSync(join(made, 'code/.git'), { recursive: true });
  assert.deepEqual(
    (await specs[0]?.check())?.map(({ path, kind }) => `${kind} ${path}`),
    ['missing /code/.git'],
  );
});

test('files that git listed and does not track are told, what the run made is not', async (t) => {
  const { folder, tracing } = contexts(t);
  const top = join(folder, 'root/code');
  await newRepository(top);
  writeFileSync(join(top, '.git/info/exclude'), '*.log\n');
  for (const name of ['old', 'old.log', 'new']) writeFileSync(join(top, name), '');
  for (const name of ['old', 'old.log']) utimesSync(join(top, name), 1, 1);
  const root = localRoot(join(folder, 'root'));
  const notes = async (...argv: string[]) => {
    const context = { ...tracing, ran: { env: {}, directory: '/code', programs: [{ file: '/usr/bin/git', argv }] } };
    const owned = await git.claim(['/code/a.txt'], root, context);
    return (await git.describe(owned, root, context)).notes.map(({ text }) => text);
  };
  assert.deepEqual(await notes('git', 'rev-parse', 'HEAD'), []);
  const [note, ...more] = await notes('git', '-C', '/code', 'status');
  assert.match(note ?? '', /had git list \/code, where old is not tracked/);
  assert.deepEqual(more, []);
});
