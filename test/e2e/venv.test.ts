/** Environments and packages of Python: by real pip and venv, there again on chroot and docker, and wished for. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { parse } from 'yaml';

import type { Spec } from '../../src/model/index.ts';
import type { PythonPackage } from '../../src/toolkits/python/spec.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { serve } from '../fakes/serve.ts';
import { makeWheel } from '../fakes/wheel.ts';
import { withDockerd } from './dockerd.ts';
import { need, scratch } from './need.ts';
import { myself, type } from './person.ts';

const state = scratch('venv');
const me = myself(join(state, 'home'));
// neither below /dev nor /tmp: where people work
const place = mkdtempSync('/srv/repronim-venv-');
const study = join(place, 'study');
const python = '/usr/bin/python3';
const types = async (...words: string[]) => await type(me, words, { directory: study });
const ends: (() => Promise<void>)[] = [];

/** What makes wheels and environments here asks the index that this machine's own settings name. */
const own = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(?:PIP_|HTTPS?_PROXY|NO_PROXY|SSL_CERT)/i.test(name)),
) as Record<string, string>;
const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: join(state, 'home'), ...own };
const run = async (...argv: [string, ...string[]]) => (await runProcess(argv, { env, cwd: study })).stdout.toString();

// what is in RECORDs against what lies there, by Python's own means
const verifier = `
import base64, csv, hashlib, pathlib, sys
site = pathlib.Path(sys.argv[1])
for record in sorted(site.glob('*.dist-info/RECORD')):
    for path, digest, size in csv.reader(record.open(newline='')):
        if not digest.startswith('sha256='): continue
        file = site / path
        data = file.read_bytes() if file.exists() else None
        same = data is not None and base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode() == digest[7:]
        if not same: print(file.resolve())
`;

before(async () => {
  await need('python3', 'python3-venv', 'python3-pip', 'git');
  const files: Readonly<Record<string, string>> = {
    'study/run.py': `import markupsafe._speedups as fast
open('out.txt', 'w').write(fast.__name__ + ' ' + str(__import__('markupsafe').escape('<b>')) + '\\n')
`,
    'study/both.py': `import devtool, local
open('both.txt', 'w').write(devtool.word + ' ' + local.word + '\\n')
`,
    'devtool/pyproject.toml':
      '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "devtool"\nversion = "0.1"\n[tool.setuptools]\npy-modules = ["devtool"]\n',
    'devtool/devtool.py': 'word = "editable"\n',
    'local/setup.py':
      'from setuptools import setup\nsetup(name="repronim-test-local", version="2.0", py_modules=["local"])\n',
    'local/local.py': 'word = "built here"\n',
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), content);
  }
  const git = ['git', '-C', join(place, 'devtool'), '-c', 'user.name=t', '-c', 'user.email=t@example.org'] as const;
  await run(...git, 'init', '-q', '-b', 'main');
  await run(...git, 'add', '-A');
  await run(...git, 'commit', '-q', '-m', 'first');
});
after(async () => {
  for (const name of ['one', 'two', 'own', 'user', 'wish']) await types('delete', '--yes', name);
  for (const end of ends) await end();
  rmSync(place, { recursive: true, force: true });
});

interface Lock {
  readonly packages: readonly PythonPackage[];
}

function read(file: string): { spec: Spec; locks: Readonly<Record<string, Lock>> } {
  const spec = parse(readFileSync(file, 'utf8')) as Spec;
  return { spec, locks: (spec.lock?.distributions ?? {}) as unknown as Readonly<Record<string, Lock>> };
}

test('a venv of the system’s Python, with a compiled wheel: reproduced on chroot and docker; what is changed is found', async (t) => {
  await run(python, '-m', 'venv', 'env');
  await run('env/bin/pip', 'install', '-q', 'markupsafe');
  const bundle = join(state, 'system.repronim');
  const traced = await types(
    'reproduce',
    '--backend',
    'chroot',
    '--name',
    'one',
    '-o',
    bundle,
    '--',
    'env/bin/python',
    'run.py',
  );
  assert.equal(traced.status, 0, traced.stdout + traced.stderr);
  assert.match(traced.stdout + traced.stderr, /1 from index/);
  assert.match(readFileSync(join(study, 'out.txt'), 'utf8'), /^markupsafe\._speedups &lt;b&gt;/);

  const site = join(study, 'env/lib', (await run('ls', 'env/lib')).trim(), 'site-packages');
  const wrong = async () => {
    const told = await types('exec', 'one', '--', python, '-c', verifier, site);
    assert.equal(told.status, 0, told.stderr);
    return told.stdout.split('\n').filter((path) => path !== '');
  };
  assert.deepEqual(await wrong(), []);
  const sound = await types('verify', 'one');
  assert.equal(sound.status, 0, sound.stdout + sound.stderr);
  const planted = `
import os, pathlib
site = pathlib.Path(${JSON.stringify(site)})
(site / 'markupsafe/__init__.py').open('a').write('x = 1\\n')
(site / 'markupsafe/_native.py').unlink()
(site / 'markupsafe/planted.py').write_text('x = 2\\n')
`;
  assert.equal((await types('exec', 'one', '--', python, '-c', planted)).status, 0);
  const said = await types('verify', '--json', 'one');
  assert.equal(said.status, 3, said.stdout + said.stderr);
  const { levels } = JSON.parse(said.stdout) as {
    levels: { contents: { differing: readonly { path: string; kind: string }[] } };
  };
  const found = levels.contents.differing.map(({ path, kind }) => [path, kind]);
  assert.deepEqual(found, [
    [`${site}/markupsafe/__init__.py`, 'changed'],
    [`${site}/markupsafe/_native.py`, 'missing'],
    [`${site}/markupsafe/planted.py`, 'unknown'],
  ]);
  const recorded = found.filter(([, kind]) => kind !== 'unknown').map(([path]) => path);
  assert.deepEqual(await wrong(), recorded);

  const host = await withDockerd({ after: (end) => ends.push(end) });
  const there = await types('reproduce', '--backend', 'docker', '--set', `host=${host}`, '--name', 'two', bundle);
  t.diagnostic(there.stdout + there.stderr);
  assert.equal(there.status, 0, there.stdout + there.stderr);
});

test('a venv of a Python that was installed by hand; an editable checkout, and what was built here', async () => {
  const version = (await run(python, '-c', 'import sys; print("python%d.%d" % sys.version_info[:2])')).trim();
  const top = join(place, 'opt/python');
  mkdirSync(join(top, 'bin'), { recursive: true });
  cpSync(`/usr/bin/${version}`, join(top, 'bin', version), { dereference: true });
  symlinkSync(version, join(top, 'bin/python3'));
  const except = /\/(?:test|idlelib|lib2to3|tkinter|ensurepip|__pycache__)(?:\/|$)/;
  cpSync(`/usr/lib/${version}`, join(top, 'lib', version), {
    recursive: true,
    dereference: true,
    filter: (path) => !except.test(path) && existsSync(path),
  });
  await run(join(top, 'bin/python3'), '-m', 'venv', '--without-pip', 'own');
  const pip = [python, '-m', 'pip', '--python', 'own/bin/python', 'install', '-q', '--no-deps'] as const;
  await run(...pip, join(place, 'local'));
  await run(...pip, '--editable', join(place, 'devtool'));
  const file = join(state, 'own.yaml');
  assert.equal((await types('trace', '-o', file, '--', 'own/bin/python', 'both.py')).status, 0);
  assert.equal(readFileSync(join(study, 'both.txt'), 'utf8'), 'editable built here\n');
  const { spec, locks } = read(file);
  const venv = spec.distributions.find(({ type: one }) => one === 'venv');
  const base = spec.distributions.find(({ id, type: one }) => (id ?? one) === venv?.base);
  assert.deepEqual([base?.type, (base as { path?: string } | undefined)?.path], ['prefix', top]);
  assert.ok(
    spec.distributions.some((one) => one.type === 'git' && (one as { path?: string }).path === join(place, 'devtool')),
  );
  const rows = locks['venv']?.packages.map(({ name, editable, repacked }) => [name, editable, repacked]);
  assert.deepEqual(rows, [
    ['devtool', join(place, 'devtool'), true],
    ['repronim-test-local', undefined, true],
  ]);
  const said = await types('reproduce', '--backend', 'chroot', '--name', 'own', file);
  assert.equal(said.status, 0, said.stdout + said.stderr);

  // what no index has stays when others come, and the spec follows
  const changed = await types('install', '--yes', '-r', 'own', 'venv:six');
  assert.equal(changed.status, 0, changed.stdout + changed.stderr);
  const ran = await types('exec', 'own', '--', 'own/bin/python', '-c', 'import devtool, local; print(local.word)');
  assert.equal(ran.stdout, 'built here\n', ran.stderr);
  const verified = await type(me, ['verify', 'own'], { directory: state }); // there is a folder of that name here
  assert.equal(verified.status, 0, verified.stderr + verified.stdout);
});

test('packages of one user', async () => {
  // a home of their own, where Python looks too, and not below /tmp
  const home = join(place, 'person');
  const pip = [python, '-m', 'pip', 'install', '-q', '--user', '--break-system-packages', 'markupsafe'] as const;
  await runProcess(pip, { env: { ...env, HOME: home }, cwd: study });
  const file = join(state, 'user.yaml');
  const person = { ...me, env: { ...me.env, HOME: home } };
  const traced = await type(person, ['trace', '-o', file, '--', python, 'run.py'], { directory: study });
  assert.equal(traced.status, 0, traced.stderr);
  const { spec, locks } = read(file);
  const entry = spec.distributions.find(({ type: one }) => one === 'pip') as
    | { path?: string; base?: string }
    | undefined;
  assert.match(entry?.path ?? '', /\/\.local\/lib\/python3\.\d+\/site-packages$/);
  assert.equal(entry?.base, 'debian');
  assert.deepEqual(
    locks['pip']?.packages.map(({ name, repacked }) => [name, repacked]),
    [['MarkupSafe', undefined]],
  );
  const said = await types('reproduce', '--backend', 'chroot', '--name', 'user', file);
  assert.equal(said.status, 0, said.stdout + said.stderr);
});

/** An index that wants a password, and somebody whose own pip.conf has it. */
async function closedIndex() {
  const wheel = makeWheel('behindlock', '1.5', { 'behindlock.py': 'word = "let in"\n' });
  const login = `Basic ${Buffer.from('me:pa55word').toString('base64')}`;
  const served = await serve(state, ({ url, headers }, response) => {
    if (headers.authorization !== login) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else if (url === `/${wheel.file}`) response.end(wheel.bytes);
    else if (url === '/simple/behindlock/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<a href="/${wheel.file}#sha256=${wheel.sha256}">${wheel.file}</a>`);
    else response.writeHead(404).end();
    return true;
  });
  const home = join(place, 'keyholder');
  mkdirSync(join(home, '.config/pip'), { recursive: true });
  const address = `${served.url.replace('//', '//me:pa55word@')}/simple`;
  writeFileSync(join(home, '.config/pip/pip.conf'), `[global]\nextra-index-url = ${address}\n`);
  return { served, person: { ...me, env: { ...me.env, HOME: home } } };
}

test('a wish is resolved, also by one’s own password, made and verified, and made again from what is held', async () => {
  const { served, person } = await closedIndex();
  ends.push(async () => await served[Symbol.asyncDispose]());
  const types = async (...words: string[]) => await type(person, words, { directory: study });
  const file = join(study, 'wish.yaml');
  writeFileSync(
    file,
    `repronim: 1
distributions:
- type: debian
  release: bookworm
  packages: [python3]
- type: venv
  path: /opt/an env
  python: "3.11"
  packages: [behindlock, jinja2<4, pygments]
`,
  );
  const resolved = await types('resolve', file);
  assert.equal(resolved.status, 0, resolved.stderr);
  const { locks } = read(file);
  assert.deepEqual(
    locks['venv']?.packages.map(({ name, requested }) => [name, requested]),
    [
      ['behindlock', true],
      ['Jinja2', true],
      ['MarkupSafe', undefined],
      ['Pygments', true],
    ],
  );
  const text = readFileSync(file, 'utf8');
  assert.doesNotMatch(text, /pa55word/);
  assert.equal((await types('resolve', file)).status, 0);
  assert.equal(readFileSync(file, 'utf8'), text);
  const created = await types('create', '--backend', 'chroot', 'wish', file);
  assert.equal(created.status, 0, created.stderr);
  const ran = await types('exec', 'wish', '--', '/opt/an env/bin/pygmentize', '-V');
  assert.match(ran.stdout, /^Pygments version/);
  const program = 'import behindlock, jinja2, markupsafe._speedups, sys; print(behindlock.word, sys.prefix)';
  const said = await types('exec', 'wish', '--', '/opt/an env/bin/python', '-c', program);
  assert.equal(said.stdout, 'let in /opt/an env\n');
  const found = await runProcess(['grep', '-rl', 'pa55word', join(state, 'home')], { env, accept: 'any' });
  assert.equal(found.stdout.toString(), '');
  const verified = await types('verify', 'wish');
  assert.equal(verified.status, 0, verified.stdout);
});
