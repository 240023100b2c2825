/** A study of a DataLad dataset, a linked work tree, files of git-lfs and a working copy of Subversion comes back. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { parse } from 'yaml';

import type { Spec } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import type { SvnSpec } from '../../src/distributions/svn/spec.ts';
import type { GitLock, GitSpec } from '../../src/toolkits/vcs/repository/spec.ts';
import { commandIn } from './command.ts';
import { need, scratch } from './need.ts';

const directory = scratch('vcs');
// neither /dev nor /tmp: their content is the place's own
const study = `/srv/repronim-vcs-${process.pid}`;
const env = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: join(directory, 'person'),
  GIT_CONFIG_GLOBAL: join(directory, 'person/.gitconfig'),
};
const file = join(directory, 'study.yaml');
const name = 'vcs';
const cli = commandIn(join(directory, 'home'));

async function run(cwd: string, ...argv: [string, ...string[]]): Promise<string> {
  const { stdout } = await runProcess(argv, { cwd, env, timeoutMs: 120_000 });
  return stdout.toString('utf8');
}

before(async () => {
  await need('git', 'git-annex', 'datalad', 'git-lfs', 'subversion', 'strace');
  mkdirSync(env.HOME, { recursive: true });
  writeFileSync(env.GIT_CONFIG_GLOBAL, '[user]\n\tname = a\n\temail = a@example.org\n[init]\n\tdefaultBranch = main\n');
  mkdirSync(study);
  await Promise.all([makeDataset(), makeRepositories(), makeWorkingCopy()]);
  const lines = [
    'cat dataset/in.dat dataset/sub/sub.dat dataset/free.txt',
    'cat linked/code.txt linked/large.bin',
    'cat copy/a.txt',
  ];
  writeFileSync(join(study, 'run'), `#!/bin/sh\n{ ${lines.join('; ')}; } > out.txt\n`);
  chmodSync(join(study, 'run'), 0o755);
});

after(async () => {
  await cli('delete', '--yes', name);
  rmSync(study, { recursive: true, force: true });
});

/** A clone of a dataset with a subdataset; of what is annexed there, only some was got. */
async function makeDataset(): Promise<void> {
  const origin = join(directory, 'origin');
  await run(directory, 'datalad', '-l', 'error', 'create', origin);
  await run(origin, 'datalad', '-l', 'error', 'create', '-d', '.', 'sub');
  writeFileSync(join(origin, 'in.dat'), 'annexed\n'.repeat(1000));
  writeFileSync(join(origin, 'other.dat'), 'not used\n'.repeat(1000));
  writeFileSync(join(origin, 'free.txt'), 'unlocked\n'.repeat(100));
  writeFileSync(join(origin, 'sub/sub.dat'), 'in the subdataset\n');
  await run(origin, 'datalad', '-l', 'error', 'save', '-r', '-m', 'data');
  await run(origin, 'git', 'annex', 'unlock', 'free.txt');
  await run(origin, 'git', 'commit', '-q', '-m', 'unlock', 'free.txt');
  await run(study, 'datalad', '-l', 'error', 'clone', origin, 'dataset');
  await run(join(study, 'dataset'), 'datalad', '-l', 'error', 'get', 'in.dat', 'free.txt', 'sub/sub.dat');
}

async function makeRepositories(): Promise<void> {
  const main = join(directory, 'main');
  await run(directory, 'git', 'init', '-q', main);
  await run(main, 'git', 'lfs', 'install', '--local');
  writeFileSync(join(main, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  writeFileSync(join(main, 'large.bin'), Buffer.alloc(100_000, 'large'));
  writeFileSync(join(main, 'code.txt'), 'code\n');
  await run(main, 'git', 'add', '-A');
  await run(main, 'git', 'commit', '-q', '-m', 'one');
  await run(main, 'git', 'worktree', 'add', '-q', '-b', 'topic', join(study, 'linked'));
  appendFileSync(join(study, 'linked/code.txt'), 'changed\n');
}

async function makeWorkingCopy(): Promise<void> {
  const repository = join(directory, 'repository');
  await run(directory, 'svnadmin', 'create', repository);
  await run(study, 'svn', '-q', 'checkout', `file://${repository}`, 'copy');
  writeFileSync(join(study, 'copy/a.txt'), 'of Subversion\n');
  writeFileSync(join(study, 'copy/b.txt'), 'not used\n');
  await run(join(study, 'copy'), 'svn', '-q', 'add', 'a.txt', 'b.txt');
  await run(join(study, 'copy'), 'svn', '-q', 'commit', '-m', 'one');
  appendFileSync(join(study, 'copy/a.txt'), 'changed\n');
}

test('a study of all of them is reproduced on chroot', async () => {
  const here = process.cwd();
  process.chdir(study);
  const said = await cli('reproduce', '--backend', 'chroot', '--name', name, '-o', file, '--', './run').finally(() =>
    process.chdir(here),
  );
  assert.equal(said.status, 0, said.stdout + said.stderr);
  assert.match(said.stdout + said.stderr, /reproduced: same environment, same results/);
});

test('the spec names each: dataset, siblings, keys that were used, revision', async () => {
  const spec = parse(readFileSync(file, 'utf8'), { schema: 'failsafe' }) as Spec;
  const entries = new Map(spec.distributions.map((one) => [(one as GitSpec).path, one as GitSpec]));
  const lockAt = (path: string) =>
    spec.lock?.distributions?.[entries.get(path)?.id ?? entries.get(path)?.type ?? ''] as GitLock;
  const dataset = entries.get(`${study}/dataset`);
  assert.equal(dataset?.type, 'datalad');
  const config = await run(join(directory, 'origin'), 'git', 'config', '-f', '.datalad/config', 'datalad.dataset.id');
  assert.equal(dataset?.dataset, config.trim());
  assert.equal(dataset?.remote, join(directory, 'origin'));
  assert.deepEqual(dataset?.get, ['free.txt', 'in.dat']);
  assert.deepEqual(
    lockAt(`${study}/dataset`).keys?.map(({ key, at }) => [key.split('-')[0], at]),
    [
      ['MD5E', ['origin']],
      ['MD5E', ['origin']],
    ],
  );
  assert.deepEqual(entries.get(`${study}/dataset/sub`)?.get, ['sub.dat']);
  const linked = entries.get(`${study}/linked`);
  assert.deepEqual([linked?.type, linked?.branch, String(linked?.changes)], ['git', 'topic', '1']);
  assert.deepEqual(
    lockAt(`${study}/linked`).large?.map(({ path }) => path),
    ['large.bin'],
  );
  const copy = entries.get(`${study}/copy`) as unknown as SvnSpec;
  assert.deepEqual([copy.type, copy.revision, String(copy.changes)], ['svn', '0:1', '1']);
});

test('git, git-annex and svn see there what they saw here', async (t) => {
  const place = join(directory, 'home');
  const found = await runProcess(['find', place, '-type', 'd', '-path', `*${study}/dataset`, '-prune'], { env });
  const at =
    found.stdout
      .toString()
      .split('\n')[0]
      ?.replace(/\/dataset$/, '') ?? '';
  if (at === '') return t.skip('the instance is no folder of this machine');
  assert.equal(await run(join(at, 'dataset'), 'git', 'status', '--porcelain'), '');
  const whereis = await run(join(at, 'dataset'), 'git', 'annex', 'find', '--in=here');
  assert.deepEqual(whereis.trim().split('\n').sort(), ['free.txt', 'in.dat']);
  await run(join(at, 'dataset'), 'git', 'annex', 'fsck', '--quiet');
  const object = join(at, 'dataset', (await run(join(at, 'dataset'), 'readlink', 'in.dat')).trim());
  assert.equal(await run(at, 'stat', '-c', '%a', object, join(object, '..')), '444\n555\n');
  assert.equal(await run(join(at, 'linked'), 'git', 'status', '--porcelain'), ' M code.txt\n');
  assert.equal(await run(join(at, 'copy'), 'svn', 'status'), 'M       a.txt\n');
});

test('what is planted is found, and nothing else', async () => {
  const object = await run(join(study, 'dataset'), 'readlink', 'in.dat');
  const planted = [
    `${study}/copy/b.txt`,
    `${study}/dataset/.datalad/config`,
    `${study}/dataset/${object.trim()}`,
    `${study}/linked/large.bin`,
  ];
  const script = 'for file; do printf x | dd of="$file" bs=1 conv=notrunc status=none; done';
  const done = await cli('exec', name, '--', 'sh', '-c', script, 'sh', ...planted);
  assert.equal(done.status, 0, done.stderr);
  const untracked = await cli('exec', name, '--', 'touch', `${study}/dataset/new`);
  assert.equal(untracked.status, 0, untracked.stderr);
  const verified = await cli('verify', name, '--json');
  assert.equal(verified.status, 3, verified.stdout + verified.stderr);
  const { levels } = JSON.parse(verified.stdout) as {
    levels: { contents: { differing: readonly { path: string; kind: string }[] } };
  };
  const found = levels.contents.differing.filter(({ path }) => path.startsWith(study));
  assert.deepEqual(
    [...new Set(found.map(({ path, kind }) => `${kind} ${path}`))].sort(),
    [...planted.map((path) => `changed ${path}`), `unknown ${study}/dataset/new`].sort(),
  );
});
