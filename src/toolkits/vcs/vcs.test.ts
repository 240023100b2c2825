import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { cleanAddress, isFetchable } from './address.ts';
import { formatSection, lastValue, parseConfig, subsections } from './config.ts';
import { findTops } from './find.ts';
import { parseIndex } from './index-file.ts';
import { isRefName, readHead, readRefs } from './refs.ts';
import { readWorkTree } from './worktree.ts';

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-vcs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function run(cwd: string, ...args: string[]): Promise<string> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', GIT_CONFIG_GLOBAL: '/dev/null' };
  const own = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'core.quotePath=false'];
  return (await runProcess(['git', ...own, ...args], { cwd, env })).stdout.toString('utf8');
}

test('configuration is read as git reads it', async (t) => {
  const text = `; comment
[core]
	bare = false # not here
	editor = "vi \\"x\\" # kept"   ; gone
[remote "a \\"b\\" \\\\c"]
	url = one
	URL = two \\
  three
[branch "x.y"] remote = origin
	flag
[Section.Sub]
	Key-Name=  spaced   value  
`;
  const folder = scratch(t);
  writeFileSync(join(folder, 'config'), text);
  const config = parseConfig(text);
  const listed = await runProcess(['git', 'config', '--file', join(folder, 'config'), '--list', '-z']);
  const theirs = listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((one) => one !== '')
    .map((one) => (one.includes('\n') ? one : `${one}\ntrue`));
  const ours = [...config].flatMap(([key, values]) => values.map((value) => `${key}\n${value}`));
  assert.deepEqual(ours.sort(), theirs.sort());
  assert.equal(lastValue(config, 'remote.a "b" \\c.url'), 'two   three');
  assert.deepEqual(subsections(config, 'branch'), ['x.y']);
});

test('what is written into a configuration is read back, and is no syntax', async (t) => {
  const folder = scratch(t);
  const hostile = 'x"]\n[core] sshCommand = touch /tmp/x ; \\ "';
  const text = formatSection('remote', hostile.replaceAll('\n', ' '), { url: hostile, fetch: '+refs/*:refs/*' });
  writeFileSync(join(folder, 'config'), text);
  const listed = await runProcess(['git', 'config', '--file', join(folder, 'config'), '--list', '-z']);
  const name = hostile.replaceAll('\n', ' ');
  assert.equal(
    listed.stdout.toString('utf8'),
    `remote.${name}.url\n${hostile}\0remote.${name}.fetch\n+refs/*:refs/*\0`,
  );
  assert.equal(lastValue(parseConfig(text), `remote.${name}.url`), hostile);
});

test('addresses lose what is secret, and only other machines are asked', () => {
  const clean: Record<string, string> = {
    'https://user:pass@example.org/a.git': 'https://example.org/a.git',
    'https://token@example.org/a.git?private_token=x#y': 'https://example.org/a.git',
    'ssh://git:secret@example.org:22/a.git': 'ssh://git@example.org:22/a.git',
    'git@example.org:a/b.git': 'git@example.org:a/b.git',
    'https://example.org': 'https://example.org',
    '/srv/git/a.git': '/srv/git/a.git',
    '../a': '../a',
  };
  for (const [address, expected] of Object.entries(clean)) assert.equal(cleanAddress(address), expected);
  for (const yes of [
    'https://example.org/a',
    'http://[::1]:80/a',
    'ssh://git@example.org/a',
    'git@example.org:a/b.git',
    'host:path',
  ]) {
    assert.ok(isFetchable(yes), yes);
  }
  const no = [
    '/srv/a',
    '../a',
    'file:///srv/a',
    'ext::sh -c x',
    'ssh://-oProxyCommand=x/a',
    '-oProxyCommand=x:a',
    'git@-x:a',
    'host:-x',
    'a b:c',
    'git://example.org/a',
    './a:b',
  ];
  for (const address of no) assert.ok(!isFetchable(address), address);
});

test('names of refs are those that git takes', async (t) => {
  const folder = scratch(t);
  const names = [
    'refs/heads/main',
    'refs/heads/ü/x',
    'refs/heads/a..b',
    'refs/heads/a.lock',
    'refs/heads/.a',
    'refs/heads/a b',
    'refs/heads/a~1',
    'refs/heads/@{x',
    'refs/heads/a/',
    'refs/../x',
    'refs/heads//a',
    'refs/heads/a.lock/b',
    'refs/heads/a.',
  ];
  for (const name of names) {
    const { status } = await runProcess(['git', 'check-ref-format', name], { cwd: folder, accept: 'any' });
    assert.equal(isRefName(name), status === 0, name);
  }
});

test('HEAD and refs: packed, loose, symbolic, detached, unborn', async (t) => {
  const folder = scratch(t);
  const root = localRoot(folder);
  await run(folder, 'init', '-q', '-b', 'main');
  assert.equal(await readHead(root, '/.git', '/.git'), undefined);
  await run(folder, 'commit', '-q', '--allow-empty', '-m', 'x');
  await run(folder, 'branch', 'topic/one');
  await run(folder, 'tag', '-a', '-m', 'x', 'v1');
  await run(folder, 'pack-refs', '--all');
  await run(folder, 'commit', '-q', '--allow-empty', '-m', 'y');
  const theirs = (await run(folder, 'for-each-ref', '--format=%(objectname) %(refname)')).trim().split('\n');
  assert.deepEqual(
    (await readRefs(root, '/.git')).map(({ id, name }) => `${id} ${name}`),
    theirs,
  );
  const commit = (await run(folder, 'rev-parse', 'HEAD')).trim();
  assert.deepEqual(await readHead(root, '/.git', '/.git'), { branch: 'main', commit });
  await run(folder, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
  await run(folder, 'symbolic-ref', 'HEAD', 'refs/heads/alias');
  assert.deepEqual(await readHead(root, '/.git', '/.git'), { branch: 'alias', commit });
  await run(folder, 'checkout', '-q', '--detach');
  assert.deepEqual(await readHead(root, '/.git', '/.git'), { commit });
});

test('the index is read as git reads it, in every version, and never past its end', async (t) => {
  const folder = scratch(t);
  await run(folder, 'init', '-q', '-b', 'main', '--object-format=sha256');
  mkdirSync(join(folder, 'dir/Ümlaut'), { recursive: true });
  for (let number = 0; number < 300; number += 1)
    writeFileSync(join(folder, `dir/Ümlaut/file-${number % 7}-${number}`), String(number));
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/odd`), Buffer.of(0x80)]), 'odd');
  symlinkSync('dir', join(folder, 'link'));
  writeFileSync(join(folder, 'program'), '', { mode: 0o755 });
  await run(folder, 'add', '-A');
  await run(folder, 'commit', '-q', '-m', 'x');
  const staged = await runProcess(['git', 'ls-files', '--stage', '-z'], { cwd: folder });
  for (const version of ['2', '3', '4']) {
    await run(folder, 'update-index', '--index-version', version);
    const tree = await readWorkTree(localRoot(folder), '/');
    assert.ok(!('because' in tree), JSON.stringify(tree));
    const ours = tree.index.map(
      ({ mode, id, stage, path }) =>
        `${mode.toString(8).padStart(6, '0')} ${id} ${stage}\t${path.replaceAll('\udc80', '\u0080')}\0`,
    );
    assert.equal(
      Buffer.from(ours.join('')).toString('utf8').replaceAll('\u0080', '\ufffd'),
      staged.stdout.toString('utf8'),
    );
  }
  const bytes = readFileSync(join(folder, '.git/index'));
  for (let cut = 0; cut < bytes.length; cut += 97) parseIndex(bytes.subarray(0, cut), 32);
  assert.equal(parseIndex(bytes.subarray(0, 200), 32), undefined);
});

test('the nearest work tree is found for files and folders', async (t) => {
  const folder = scratch(t);
  for (const path of ['a/b/.git', 'a/.git/objects', 'a/plain/deep', 'c'])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'a/b/file'), '');
  const paths = ['/a', '/a/b', '/a/b/file', '/a/plain/deep', '/a/.git/objects/x', '/c', '/'];
  const topOf = await findTops(paths, localRoot(folder));
  assert.deepEqual(paths.map(topOf), ['/a', '/a/b', '/a/b', '/a', '/a', undefined, undefined]);
});

test('what is no repository says why', async (t) => {
  const folder = scratch(t);
  const root = localRoot(folder);
  for (const path of ['empty/.git', 'file', 'lost']) mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'file/.git'), 'not a git dir\n');
  writeFileSync(join(folder, 'lost/.git'), 'gitdir: ../gone/.git/worktrees/lost\n');
  assert.deepEqual(await readWorkTree(root, '/empty'), { because: 'it has no HEAD' });
  assert.deepEqual(await readWorkTree(root, '/file'), { because: 'it is not a git dir' });
  assert.deepEqual(await readWorkTree(root, '/lost'), { because: 'its git dir is not there' });
});
