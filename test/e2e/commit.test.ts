/** What was done by hand becomes a spec; images get smaller; what others made has a name; groups; resources. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, test } from 'node:test';

import { runProcess } from '../../src/sessions/process.ts';
import { makeWheel } from '../fakes/wheel.ts';
import { withDockerd } from './dockerd.ts';
import { dockerAt } from './machine.ts';
import { mirror, need, scratch } from './need.ts';
import { myself, type, type Said } from './person.ts';
import { makeDeb } from './repository.ts';

const directory = scratch('commit');
const home = join(directory, 'home');
const at = (name: string) => join(directory, name);
const env: Record<string, string> = {};

before(async () => {
  await need('strace');
  mkdirSync(home);
  writeFileSync(
    at('env.yaml'),
    `repronim: 1
distributions:
- type: debian
  release: bookworm
  sources:
  - {name: debian, uri: "${await mirror()}", suites: [bookworm], components: [main]}
  packages: [hello, python3]
`,
  );
});

async function types(words: readonly string[], file?: string): Promise<Said> {
  const plain = myself(home);
  const me = { ...plain, env: { ...plain.env, ...env } };
  return await type(me, words, { directory, ...(file === undefined ? {} : { stdin: { file } }) });
}

async function does(words: readonly string[], file?: string): Promise<string> {
  const said = await types(words, file);
  assert.equal(said.status, 0, `${words.join(' ')}: ${said.stderr}${said.stdout}`);
  return said.stdout;
}

async function refuses(words: readonly string[], message: RegExp, status = 2): Promise<void> {
  const said = await types(words);
  assert.equal(said.status, status, `${words.join(' ')}: ${said.stderr}`);
  assert.match(said.stderr, message);
}

const fingerprint = async (place: string) => await does(['fingerprint', place]);

test('what was done by hand becomes the spec, and the image of it is the instance', async () => {
  await does(['create', 'live', 'env.yaml']);
  await does(['image', 'commit', '-n', 'live']);
  const deb = await makeDeb(at('debs'), {
    name: 'byhand',
    version: '1',
    fields: { Depends: 'python3' },
    files: { '/usr/bin/byhand': '#!/bin/sh\necho by hand\n', '/etc/byhand.conf': 'a\n' },
  });
  const wheel = makeWheel('answer', '1.0', { 'answer.py': 'word = 6 * 7\n' });
  writeFileSync(at(wheel.file), wheel.bytes);
  const tar = ['tar', '-cf', at('hands.tar'), '-C', dirname(deb), basename(deb), '-C', directory, wheel.file] as const;
  await runProcess(tar);
  const hands = [
    'tar -C /tmp -xf - && dpkg -i /tmp/*.deb && dpkg --purge hello',
    'echo edited >>/etc/debconf.conf; rm /usr/share/doc/sed/AUTHORS; mkdir /data; echo 1 >/data/one; ln -s one /data/two',
    'chmod 4755 /usr/bin/sort; groupadd --gid 777 lab',
    'python3 -m venv --without-pip /opt/env; python3 -m zipfile -e /tmp/*.whl /opt/env/lib/python3.11/site-packages',
  ];
  await does(['exec', 'live', '--', 'sh', '-e', '-c', hands.join('; ')], at('hands.tar'));
  await refuses(['image', 'commit', 'live'], /nobody can be asked here\nhint: .*--yes/);
  const shown = await does(['image', 'commit', '-n', 'live']);
  assert.match(shown, /\+ byhand +1\n +- hello +2\.10/);
  assert.match(shown, /^venv \/opt\/env\n +\+ answer +1\.0$/m);
  assert.match(shown, /\+ \/data\/one/);
  assert.match(shown, /~ \/etc\/debconf\.conf +as its package has it → /);
  const said = await types(['image', 'commit', '-y', '-t', 'hands:1', '-o', 'hands.yaml', 'live']);
  assert.match(said.stdout, /verify +\d+ paths? of [\d,]+ not as in live:\n +\/etc\/gshadow +another\n$/, said.stderr);
  assert.equal(said.status, 3, 'what is not for everybody is not taken, and that is said');
  const text = readFileSync(at('hands.yaml'), 'utf8');
  assert.match(text, /packages:\n? *(?:- python3\n *- byhand=1|\[python3, byhand=1\]|- byhand=1\n *- python3\n)/);
  assert.doesNotMatch(text, /hello/);

  await does(['image', 'commit', '-y', '--include', '/etc/gshadow', '-t', 'hands:2', 'live']);
  await does(['verify', 'live']);
  await does(['create', 'again', '--image', 'hands:2']);
  await does(['verify', 'again']);
  assert.equal(await fingerprint('again'), await fingerprint('live'));
  const run = ['sh', '-c', 'byhand; cat /data/two; stat -c %a /usr/bin/sort; getent group lab'];
  assert.equal(await does(['exec', 'again', '--', ...run]), 'by hand\n1\n4755\nlab:x:777:\n');
  const python = ['/opt/env/bin/python', '-c', 'import answer; print(answer.word)'];
  assert.equal(await does(['exec', 'again', '--', ...python]), '42\n');
  assert.match((await types(['image', 'commit', '-y', 'live'])).stderr, /live is what its spec says/);
});

test('an opaque commit is the tree, and says that nothing is known of it', async () => {
  await does(['exec', 'again', '--', 'rm', '/data/one']);
  await does(['image', 'commit', '--opaque', '-t', 'opaque', 'again']);
  const listed = JSON.parse(await does(['image', 'ls', '--json'])) as {
    tags: string[];
    from?: string;
    opaque?: boolean;
    spec?: string;
  }[];
  const found = listed.find(({ tags }) => tags.includes('opaque'));
  assert.deepEqual([found?.from, found?.opaque, found?.spec], ['again', true, undefined]);
  await does(['create', 'blind', '--image', 'opaque']);
  assert.equal(await does(['exec', 'blind', '--', 'ls', '/data']), 'two\n');
  await refuses(['verify', 'blind'], /was not made from a spec/);
});

async function treeOf(image: string): Promise<string> {
  return (JSON.parse(await does(['image', 'show', '--json', image])) as { directory: string }).directory;
}

interface Shrunk {
  readonly before: { readonly bytes: number; readonly packages: number };
  readonly after: { readonly bytes: number; readonly packages: number };
  readonly equal: boolean;
}

test('an image shrinks to what commands use, proven by running them again', async (t) => {
  const program =
    'import json, sys; open("/root/out", "w").write(json.dumps(sys.version_info[:2])); print(len(sys.path))';
  const words = ['--json', '-t', 'small', '-o', 'small.yaml', 'env.yaml', '--', 'python3', '-c', program];
  const small = JSON.parse(await does(['image', 'shrink', ...words])) as Shrunk;
  assert.ok(small.equal && small.after.bytes < small.before.bytes, JSON.stringify(small));
  assert.ok(small.after.packages < small.before.packages);
  assert.doesNotMatch(readFileSync(at('small.yaml'), 'utf8'), /name: hello/);
  await does(['create', 'small', '--image', 'small']);
  await does(['verify', 'small']);
  await does(['exec', 'small', '--', 'dpkg', '--audit']);

  // the spec has the run now; and what it does not use of its packages' files goes as well
  const tiny = JSON.parse(
    await does(['image', 'shrink', '--files', '--json', '-t', 'tiny', '-o', 'tiny.yaml', 'small.yaml']),
  ) as Shrunk;
  assert.ok(tiny.equal && tiny.after.bytes < small.after.bytes / 2, JSON.stringify(tiny.after));
  await does(['create', 'tiny', 'tiny.yaml']);
  const verdict = await does(['verify', 'tiny']);
  assert.match(verdict, /it was removed on the traced system, too/);
  t.diagnostic(`${small.before.bytes} → ${small.after.bytes} → ${tiny.after.bytes} bytes`);
});

test('a folder of somebody else’s is looked at, compared and entered, and stays as it is', async () => {
  const tree = await treeOf('small');
  const untouched = await fingerprint(`root:${tree}`);
  await does(['attach', 'theirs', `root:${tree}`, '--spec', 'small.yaml']);
  await does(['verify', 'theirs']);
  assert.match(await does(['ls']), /^theirs +chroot +stopped +attached root:/m);
  const hello = ['python3', '-c', 'print(open("/opt/new", "w").write("x"))'];
  assert.equal(await does(['exec', 'theirs', '--', ...hello]), '1\n');
  assert.match(await does(['trace', '--in', 'theirs', '-q', '-o', '-', '--', 'python3', '-V']), /- type: debian/);
  assert.equal(await fingerprint(`root:${tree}`), untouched);
  assert.equal(await fingerprint('theirs'), await fingerprint('small'));
  await refuses(['start', 'theirs'], /nothing runs in it by itself/);
  await refuses(['image', 'commit', '-y', 'theirs'], /was not made by repronim/);
  await refuses(['attach', 'theirs', 'host'], /there is an instance theirs already/, 1);
  assert.match((await types(['delete', '-y', 'theirs'])).stderr, /forgot theirs: root:.* is as it was/);
  assert.equal(await fingerprint(`root:${tree}`), untouched);

  const copy = at('copy');
  await runProcess(['cp', '-a', await treeOf('tiny'), copy]);
  await does(['attach', 'mine', 'root:copy', '--writable', '--trace', '-o', 'mine.yaml']);
  await does(['exec', 'mine', '--', ...hello]);
  await does(['delete', '-y', 'mine']);
  assert.ok(existsSync(join(copy, 'opt/new')));
});

test('a container of somebody else’s is entered while it runs, and never started, stopped or removed', async (t) => {
  const address = await withDockerd(t);
  env['DOCKER_HOST'] = address;
  await need('busybox-static');
  const { docker } = await dockerAt(address);
  mkdirSync(at('busybox/bin'), { recursive: true });
  copyFileSync('/bin/busybox', at('busybox/bin/busybox'));
  symlinkSync('busybox', at('busybox/bin/sh'));
  await runProcess(['tar', '--create', '--file', at('box.tar'), '--directory', at('busybox'), '.']);
  const tag = `repronim-commit-test:${process.pid}`;
  await docker('import', at('box.tar'), tag);
  const id = await docker('run', '--detach', '--network', 'none', tag, '/bin/busybox', 'sleep', '600');
  try {
    await does(['attach', 'box', `docker:${id}`]);
    assert.equal(await does(['exec', 'box', '--', '/bin/busybox', 'echo', 'in']), 'in\n');
    assert.match(await does(['ls']), /^box +docker +running +attached docker:/m);
    assert.match(await fingerprint('box'), /^sha256:/);
    await refuses(['stop', 'box'], /was not made by repronim, which does not stop it\nhint: +docker stop/);
    await docker('stop', '--time', '0', id);
    await refuses(['exec', 'box', '--', '/bin/busybox', 'true'], /is not running\nhint: +docker start/, 125);
    await does(['delete', '-y', 'box']);
    assert.match(await docker('ps', '--all', '--no-trunc', '--quiet'), new RegExp(id));

    await does(['attach', 'picture', `docker:${tag}`]);
    assert.match(await does(['diff', 'picture', `tar:${at('box.tar')}`]), /no difference/);
    await refuses(['exec', 'picture', '--', 'true'], /is only looked at/);
    await refuses(['attach', 'nothing', 'docker:no-such-thing'], /neither an image nor a container/);
    await does(['delete', '-y', 'picture']);
  } finally {
    await docker('rm', '--force', id);
    await docker('image', 'rm', '--force', tag);
  }
});

test('instances of one image are a group, taken as one', async () => {
  await does(['create', 'lab', '--image', 'small', '--count', '3']);
  await refuses(['create', 'lab', '--image', 'small'], /there is a group lab already: lab-1, lab-2, lab-3/, 1);
  await refuses(['exec', 'lab', '--', 'true'], /lab is a group: lab-1, lab-2, lab-3/);
  const script = 'hostname; echo no >&2; [ "$(hostname)" != lab-2 ] || exit 7';
  const each = await types(['exec', '--each', 'lab', '--', 'sh', '-c', script]);
  assert.deepEqual(
    [each.status, each.stdout, each.stderr],
    [7, 'lab-1: lab-1\nlab-2: lab-2\nlab-3: lab-3\n', 'lab-1: no\nlab-2: no\nlab-3: no\n'],
  );
  const answers = JSON.parse((await types(['exec', '--each', '--json', 'lab', '--', 'sh', '-c', script])).stdout) as {
    name: string;
    status: number;
  }[];
  assert.deepEqual(
    answers.map(({ name, status }) => [name, status]),
    [
      ['lab-1', 0],
      ['lab-2', 7],
      ['lab-3', 0],
    ],
  );
  await does(['start', 'lab']);
  assert.equal((await does(['ls'])).match(/^lab-\d +lab +chroot +running/gm)?.length, 3);
  await does(['stop', 'lab']);
  assert.equal(await does(['delete', '-n', 'lab']), 'would remove lab: lab-1, lab-2, lab-3\n');
  await does(['delete', '-y', 'lab']);
  assert.doesNotMatch(await does(['ls']), /lab-/);
});

test('a resource is a backend with settings, known by its name', async () => {
  await does(['resource', 'add', 'here', '--backend', 'chroot']);
  await does(['resource', 'add', 'gone', '--backend', 'docker', '--set', 'host=unix:///nonexistent/docker.sock']);
  await refuses(['resource', 'add', 'gone', '--backend', 'chroot'], /there is a resource gone already/);
  await refuses(['resource', 'add', 'x', '--backend', 'docker', '--set', 'host=https://u:p@h/'], /looks like a secret/);
  const doctor = await types(['resource', 'doctor']);
  assert.equal(doctor.status, 4);
  assert.match(doctor.stdout, /^gone +docker +no +no daemon answers .*\nhere +chroot +yes/m);
  assert.match(await does(['doctor']), /^here +yes +chroot/m);
  await does(['create', 'placed', '-b', 'here', '--image', 'small']);
  assert.match(await does(['ls']), /^placed +chroot/m);
  await refuses(
    ['create', 'other', '-b', 'hree', '--image', 'small'],
    /unknown backend "hree"\nhint: +did you mean here/,
  );
  assert.match(await does(['create', '-b', 'help']), /^gone +-b docker --set host=/m);
  await does(['resource', 'export', 'gone', '-o', 'gone.toml']);
  await does(['resource', 'delete', 'gone']);
  await does(['resource', 'import', 'gone.toml']);
  assert.deepEqual(JSON.parse(await does(['resource', 'ls', '--json'])), [
    { name: 'gone', backend: 'docker', set: { host: 'unix:///nonexistent/docker.sock' } },
    { name: 'here', backend: 'chroot', set: {} },
  ]);
});
