import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { parse, safeParse } from 'valibot';

import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { git } from './index.ts';

const env = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.org',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_DATE: '1700000000 +0000',
};

async function run(cwd: string, ...args: string[]): Promise<string> {
  const result = await runProcess(
    ['git', '-c', 'protocol.file.allow=always', '-c', 'safe.directory=*', '-c', 'core.quotePath=false', ...args],
    { cwd, env },
  );
  return result.stdout.toString('latin1');
}

/** What git says of a work tree, and every tracked file's bytes, mode and time. */
async function portrait(top: string): Promise<Record<string, unknown>> {
  const files = (await run(top, 'ls-files', '-z', '--recurse-submodules')).split('\0').filter((name) => name !== '');
  return {
    status: await run(top, 'status', '--porcelain=v2', '--branch', '--untracked-files=no'),
    head: await run(top, 'rev-parse', 'HEAD'),
    log: await run(top, 'log', '--oneline', '--decorate=short', '--no-color'),
    describe: await run(top, 'describe', '--always', '--tags', '--dirty'),
    diff: await run(top, 'diff', 'HEAD', '--binary'),
    submodules: await run(top, 'submodule', 'status', '--recursive'),
    stats: files.sort().map((name) => {
      const path = Buffer.from(join(top, name), 'latin1');
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined
        ? name
        : [
            name,
            stat.mode,
            Math.floor(stat.mtimeMs / 1000),
            stat.uid,
            stat.gid,
            stat.isFile() ? readFileSync(path, 'latin1') : '',
          ];
    }),
  };
}

/** Traces the repository at `/study` below `origin`, and makes it again below another folder. */
async function roundTrip(
  t: TestContext,
  origin: string,
  path = '/study',
  used = `${path}/a.txt`,
  between?: () => void,
) {
  const { tracing, creating, store, folder } = contexts(t);
  const root = localRoot(origin);
  const owned = await git.claim([used], root, tracing);
  const described = await git.describe(owned, root, tracing);
  assert.equal(described.distributions.length, 1, JSON.stringify(described.notes));
  const [one] = described.distributions;
  const spec = parse(git.schema, JSON.parse(JSON.stringify(one?.spec)));
  const lock = parse(git.lockSchema, JSON.parse(JSON.stringify({ of: `sha256:${'0'.repeat(64)}`, ...one?.lock })));
  between?.();
  const prepared = await git.prepare?.(spec, lock, creating);
  assert.deepEqual(prepared?.missing, []);
  const made = prepared?.made ?? {};
  const target = join(folder, 'made');
  await unpackSteps(git.plan(spec, lock, made), target, store);
  const again = await git.prepare?.(spec, lock, creating);
  assert.deepEqual(again?.made, made, 'the same bytes each time');
  const place = localRoot(target);
  assert.deepEqual((await git.observe(spec, place, tracing)).packages, git.packages(spec, lock));
  const checked = await git.check?.(spec, lock, place, tracing);
  assert.deepEqual(checked?.differing, []);
  assert.ok((checked?.checked ?? 0) > 0);
  return {
    spec,
    lock,
    target,
    made: join(target, path),
    notes: described.notes,
    contexts: { tracing, store, creating },
  };
}

function scratch(t: TestContext): string {
  return contexts(t).folder;
}

async function newRepository(top: string): Promise<void> {
  mkdirSync(top, { recursive: true });
  await run(top, 'init', '-q', '-b', 'main');
  writeFileSync(join(top, 'a.txt'), 'one\n');
  writeFileSync(join(top, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  mkdirSync(join(top, 'dir/deep'), { recursive: true });
  writeFileSync(join(top, 'dir/deep/Übergröße.txt'), 'ü\n');
  writeFileSync(Buffer.concat([Buffer.from(join(top, 'odd-')), Buffer.of(0xff, 0xfe), Buffer.from('.txt')]), 'odd\n');
  symlinkSync('a.txt', join(top, 'link'));
  await run(top, 'add', '-A');
  await run(top, 'commit', '-q', '-m', 'first');
  await run(top, 'tag', '-a', '-m', 'release', 'v1');
  appendFileSync(join(top, 'a.txt'), 'two\n');
  await run(top, 'commit', '-q', '-a', '-m', 'second');
}

test('a clean repository without a remote comes back whole', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  utimesSync(join(top, 'a.txt'), 1_600_000_000, 1_600_000_000);
  chmodSync(join(top, 'dir'), 0o750);
  const { made, spec, lock } = await roundTrip(t, origin);
  assert.deepEqual(await portrait(made), await portrait(top));
  assert.equal(spec.branch, 'main');
  assert.equal(spec.remote, undefined);
  assert.ok(lock.unpushed !== undefined && lock.pack === undefined);
  assert.match(await run(made, 'describe'), /^v1-1-g/);
});

test('staged, changed, renamed, deleted, added and binary changes come back where they were', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  await run(top, 'mv', 'run', 'run.sh');
  chmodSync(join(top, 'run.sh'), 0o644);
  writeFileSync(join(top, 'new.bin'), Buffer.from([...Array(256).keys()]));
  await run(top, 'add', 'new.bin');
  writeFileSync(join(top, 'new.bin'), Buffer.from([...Array(200).keys()]));
  appendFileSync(join(top, 'a.txt'), 'three'); // no newline at its end
  rmSync(join(top, 'dir/deep/Übergröße.txt'));
  writeFileSync(join(top, 'announced'), 'x\n');
  await run(top, 'add', '--intent-to-add', 'announced');
  appendFileSync(Buffer.concat([Buffer.from(join(top, 'odd-')), Buffer.of(0xff, 0xfe), Buffer.from('.txt')]), 'more\n');
  const before = await portrait(top);
  const { made, spec } = await roundTrip(t, origin);
  assert.deepEqual(await portrait(made), before);
  assert.equal(spec.changes, 7);
});

test('commits that the remote lacks are kept; its address loses what is secret', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(join(origin, 'upstream'));
  await run(origin, 'clone', '-q', join(origin, 'upstream'), 'study');
  await run(top, 'remote', 'set-head', 'origin', '--delete');
  writeFileSync(join(top, 'a.txt'), 'unpushed\n');
  await run(top, 'commit', '-q', '-a', '-m', 'unpushed');
  await run(top, 'config', 'remote.origin.url', 'https://me:token@git.example.org/study.git?private_token=x');
  const { made, spec, lock } = await roundTrip(t, origin);
  assert.equal(spec.remote, 'https://git.example.org/study.git');
  assert.equal(lock.upstream, 'refs/remotes/origin/main');
  assert.equal(spec.branch, undefined, 'the upstream tells it');
  const now = await portrait(made);
  assert.deepEqual(now, await portrait(top));
  assert.match(String(now.status), /# branch.ab \+1 -0/);
});

test('submodules, nested ones too, with changes in them', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(join(origin, 'inner'));
  await newRepository(join(origin, 'outer'));
  await newRepository(top);
  await run(join(origin, 'outer'), 'submodule', '--quiet', 'add', join(origin, 'inner'), 'deps/inner');
  await run(join(origin, 'outer'), 'commit', '-q', '-m', 'inner');
  await run(top, 'submodule', '--quiet', 'add', '--name', 'lib', join(origin, 'outer'), 'libs/outer');
  await run(top, 'submodule', '--quiet', 'update', '--init', '--recursive');
  await run(top, 'commit', '-q', '-m', 'outer');
  appendFileSync(join(top, 'libs/outer/deps/inner/a.txt'), 'changed\n');
  const { made, spec } = await roundTrip(t, origin, '/study', '/study/libs/outer/deps/inner/run');
  assert.deepEqual(
    spec.submodules?.map(({ path, changes }) => [path, changes]),
    [
      ['libs/outer', undefined],
      ['libs/outer/deps/inner', 1],
    ],
  );
  assert.deepEqual(await portrait(made), await portrait(top));
});

test('a linked work tree on a detached commit comes back as a repository of its own', async (t) => {
  const origin = scratch(t);
  await newRepository(join(origin, 'main'));
  await run(join(origin, 'main'), 'worktree', 'add', '-q', '--detach', join(origin, 'study'), 'HEAD~1');
  const top = join(origin, 'study');
  // a root's git files name paths within it
  writeFileSync(join(top, '.git'), 'gitdir: ../main/.git/worktrees/study\n');
  const { made, spec } = await roundTrip(t, origin);
  assert.equal(spec.branch, undefined);
  const here = await portrait(made);
  assert.deepEqual({ ...here, log: '' }, { ...(await portrait(top)), log: '' });
});

test('shallow and sparse checkouts stay shallow and sparse', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(join(origin, 'upstream'));
  await run(origin, 'clone', '-q', '--depth=1', `file://${join(origin, 'upstream')}`, 'study');
  await run(top, 'sparse-checkout', 'set', '--no-cone', '/a.txt', '/run');
  const { made, lock } = await roundTrip(t, origin);
  assert.equal(lock.sparse, true);
  assert.equal(lock.shallow?.length, 1);
  assert.ok(!existsSync(join(made, 'dir')));
  assert.equal(await run(made, 'status', '--porcelain'), '');
  assert.equal(await run(made, 'log', '--format=%H'), await run(top, 'log', '--format=%H'));
});

test('index versions 4 and split, assumed-unchanged files, and a conflict', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  await run(top, 'update-index', '--index-version', '4');
  await run(top, 'update-index', '--assume-unchanged', 'a.txt');
  appendFileSync(join(top, 'a.txt'), 'silent\n');
  const first = await roundTrip(t, origin);
  assert.equal(first.spec.changes, 1);
  assert.match(readFileSync(join(first.made, 'a.txt'), 'utf8'), /silent/);
  await run(top, 'update-index', '--no-assume-unchanged', 'a.txt');
  await run(top, 'update-index', '--split-index');
  writeFileSync(join(top, 'split.txt'), 'x\n');
  await run(top, 'add', 'split.txt');
  await run(top, 'rm', '-q', '--cached', 'run');
  const second = await roundTrip(t, origin, '/study', '/study/split.txt');
  assert.deepEqual(await portrait(second.made), await portrait(top));

  await run(top, 'commit', '-q', '-a', '-m', 'theirs');
  await run(top, 'checkout', '-q', '--force', '-b', 'other', 'HEAD~1');
  writeFileSync(join(top, 'a.txt'), 'ours\n');
  await run(top, 'commit', '-q', '-a', '-m', 'ours');
  await assert.rejects(run(top, 'merge', '-q', 'main'));
  const third = await roundTrip(t, origin);
  assert.ok(third.notes.some(({ kind, text }) => kind === 'partial' && text.includes('merge')));
  assert.equal(readFileSync(join(third.made, 'a.txt'), 'utf8'), readFileSync(join(top, 'a.txt'), 'utf8'));
});

test('the repository’s own programs are not run: filters, monitors, hooks, external diffs', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  const trap = join(origin, 'sprung');
  const program = join(origin, 'trap.sh');
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >>${trap}\ncat\n`, { mode: 0o755 });
  const keys = [
    'filter.x.clean',
    'filter.x.smudge',
    'filter.x.process',
    'core.fsmonitor',
    'diff.external',
    'diff.x.command',
    'diff.x.textconv',
    'core.pager',
    'core.sshCommand',
    'uploadpack.packObjectsHook',
    'core.alternateRefsCommand',
  ];
  writeFileSync(join(top, '.gitattributes'), '*.txt filter=x diff=x\n');
  appendFileSync(join(top, 'a.txt'), 'dirty\n');
  for (const key of keys) await run(top, 'config', key, program);
  for (const hook of ['post-index-change', 'pre-auto-gc', 'post-checkout']) {
    mkdirSync(join(top, '.git/hooks'), { recursive: true });
    writeFileSync(join(top, '.git/hooks', hook), `#!/bin/sh\necho ${hook} >>${trap}\n`, { mode: 0o755 });
  }
  const config = readFileSync(join(top, '.git/config'), 'utf8');
  const index = readFileSync(join(top, '.git/index'));
  const { made, spec } = await roundTrip(t, origin);
  assert.ok(!existsSync(trap), existsSync(trap) ? readFileSync(trap, 'utf8') : '');
  assert.equal(spec.changes, 1);
  assert.equal(readFileSync(join(made, 'a.txt'), 'utf8'), 'one\ntwo\ndirty\n');
  assert.equal(readFileSync(join(top, '.git/config'), 'utf8'), config);
  assert.deepEqual(readFileSync(join(top, '.git/index')), index, 'the repository is not written to');
  assert.doesNotMatch(readFileSync(join(made, '.git/config'), 'utf8'), /trap/);
});

test('what is stored is enough: the original may be gone', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  const before = await portrait(top);
  const { made } = await roundTrip(t, origin, '/study', '/study/.git/HEAD', () => renameSync(top, `${top}-gone`));
  assert.deepEqual(await portrait(made), before);
});

test('two traces of one repository are the same', async (t) => {
  const origin = scratch(t);
  await newRepository(join(origin, 'study'));
  appendFileSync(join(origin, 'study/a.txt'), 'changed\n');
  const one = await roundTrip(t, origin);
  const other = await roundTrip(t, origin);
  assert.deepEqual([one.spec, one.lock], [other.spec, other.lock]);
});

test('a changed file and a changed mode are found', async (t) => {
  const origin = scratch(t);
  await newRepository(join(origin, 'study'));
  const { made, target, spec, lock, contexts } = await roundTrip(t, origin);
  appendFileSync(join(made, 'a.txt'), 'x');
  chmodSync(join(made, 'run'), 0o700);
  rmSync(join(made, 'link'));
  const found = await git.check?.(spec, lock, localRoot(target), contexts.tracing);
  assert.deepEqual(
    found?.differing.map(({ path, kind }) => [path, kind]),
    [
      ['/study/a.txt', 'changed'],
      ['/study/link', 'missing'],
      ['/study/run', 'mode'],
    ],
  );
  const observed = await git.observe(spec, localRoot(target), contexts.tracing);
  assert.match(observed.packages[0]?.version ?? '', /\+changes$/);
});

test('where git can not be asked, the tracked files are kept as they are', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  appendFileSync(join(top, 'a.txt'), 'changed\n');
  writeFileSync(join(top, 'untracked'), '');
  const { tracing, creating, store, folder } = contexts(t);
  const { directory: _, ...root } = localRoot(origin); // like a root on another machine
  const described = await git.describe(await git.claim(['/study/a.txt'], root, tracing), root, tracing);
  const [one] = described.distributions;
  assert.ok(one !== undefined && described.notes.some(({ kind }) => kind === 'partial'));
  const lock = { of: `sha256:${'0'.repeat(64)}` as const, ...one.lock };
  const prepared = await git.prepare?.(one.spec, lock, creating);
  await unpackSteps(git.plan(one.spec, lock, prepared?.made ?? {}), folder, store);
  assert.equal(readFileSync(join(folder, 'study/a.txt'), 'utf8'), readFileSync(join(top, 'a.txt'), 'utf8'));
  assert.ok(!existsSync(join(folder, 'study/untracked')) && !existsSync(join(folder, 'study/.git')));
});

test('a repository that tracks the system’s configuration is not taken', async (t) => {
  const origin = scratch(t);
  await newRepository(join(origin, 'etc'));
  const { tracing } = contexts(t);
  assert.equal((await git.claim(['/etc/a.txt'], localRoot(origin), tracing)).size, 0);
});

test('nothing is written out of the work tree, whatever a commit and a list of files hold', async (t) => {
  const origin = scratch(t);
  const top = join(origin, 'study');
  await newRepository(top);
  const outside = join(origin, 'outside');
  mkdirSync(join(outside, 'passwd'), { recursive: true });
  symlinkSync(outside, join(top, 'sub'));
  await run(top, 'add', '-A');
  await run(top, 'commit', '-q', '-m', 'trap');
  const { tracing, creating } = contexts(t);
  const root = localRoot(origin);
  const [one] = (await git.describe(await git.claim(['/study/run'], root, tracing), root, tracing)).distributions;
  assert.ok(one !== undefined);
  const commit = one.spec.commit ?? '';
  const spec = { ...one.spec, submodules: [{ path: 'sub/inner', commit }] };
  const lock = {
    of: `sha256:${'0'.repeat(64)}` as const,
    ...one.lock,
    submodules: [{ path: 'sub/inner', ...(one.lock.unpushed === undefined ? {} : { unpushed: one.lock.unpushed }) }],
  };
  await assert.rejects(async () => await git.prepare?.(spec, lock, creating), /behind a link/);
  assert.ok(!existsSync(join(outside, 'inner')));
  for (const bad of ['../x', '/x', '.git/hooks', 'a/../../b', 'a/.GIT/b', '']) {
    assert.ok(!safeParse(git.schema, { ...spec, submodules: [{ path: bad, commit }] }).success, bad);
  }
  for (const branch of ['../../x', 'a\nb', '-x..y', 'a.lock'])
    assert.ok(!safeParse(git.schema, { ...spec, branch }).success, branch);
  for (const remote of ['-oProxyCommand=x', 'https://u:p@example.org/a', 'a\nb']) {
    assert.ok(!safeParse(git.schema, { ...spec, remote }).success, remote);
  }
});
