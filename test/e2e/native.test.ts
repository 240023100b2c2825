/** This machine itself: what is laid over it, what is not touched, and what goes again. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { native } from '../../src/backends/native/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { testPlace } from '../contract/place.ts';
import { serve } from '../fakes/serve.ts';
import { makeWheel } from '../fakes/wheel.ts';
import { commandIn, type Said } from './command.ts';
import { need, scratch } from './need.ts';

testPlace({ backend: native, params: {} });

const directory = mkdtempSync(join(tmpdir(), 'repronim-native-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const tool = join(directory, 'tool');
const spec = join(directory, 'tool.yaml');
const run = commandIn(scratch('native'));
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };

function done({ status, stdout, stderr }: Said): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

function makeTool(): void {
  mkdirSync(join(tool, 'bin'), { recursive: true });
  writeFileSync(join(tool, 'bin/say'), `#!/bin/sh\ncat ${tool}/text\nls ${tool}/empty\n`);
  chmodSync(join(tool, 'bin/say'), 0o755);
  mkdirSync(join(tool, 'empty'), { recursive: true });
  writeFileSync(join(tool, 'text'), 'it says so\n');
}

before(async () => {
  makeTool();
  done(await run('trace', '-q', '-o', spec, '--whole', tool, '--', join(tool, 'bin/say')));
});

test('a stranger’s spec is not put on the machine, unless it is trusted', async () => {
  const refused = await run('create', 'native-one', spec, '-b', 'native');
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, /nothing that runs on this machine is confined\nhint: {2}--trust/);
  assert.equal(done(await run('ls')), '');
});

test('what is there already stays when it goes', async () => {
  assert.match((await run('create', 'native-one', spec, '-b', 'native', '--trust')).stderr, /native: 0 paths made/);
  assert.match(done(await run('verify', 'native-one')), /is what its spec says/);
  done(await run('delete', '-y', 'native-one'));
  assert.equal(readFileSync(join(tool, 'text'), 'utf8'), 'it says so\n');
});

test('what is made is made exactly, is verified, runs, and goes; what came later stays', async () => {
  rmSync(tool, { recursive: true });
  done(await run('create', 'native-two', spec, '-b', 'native', '--trust'));
  assert.equal(done(await run('exec', 'native-two', '--', join(tool, 'bin/say'))), 'it says so\n');
  assert.match(done(await run('verify', 'native-two')), /is what its spec says/);
  assert.equal((await run('image', 'export', 'native-two', '-o', join(directory, 'two.tar'))).status, 2);
  const bundle = join(directory, 'two.repronim');
  done(await run('image', 'export', 'native-two', '-o', bundle));
  done(await run('create', '--dry-run', bundle));
  writeFileSync(join(tool, 'text'), 'another\n');
  const verdict = await run('verify', 'native-two');
  assert.equal(verdict.status, 3);
  assert.match(verdict.stdout, /\/tool\/text +changed/);
  writeFileSync(join(tool, 'mine'), '');
  const deleted = await run('delete', '-y', 'native-two');
  assert.match(deleted.stderr, /what stays of native-two, .*:\n.*\/tool\n/);
  assert.deepEqual([existsSync(join(tool, 'mine')), existsSync(join(tool, 'bin'))], [true, false]);
  rmSync(tool, { recursive: true });
});

test('what is there and different is named, and replaced only by force', async () => {
  mkdirSync(tool);
  writeFileSync(join(tool, 'text'), 'mine\n');
  const refused = await run('create', 'native-three', spec, '-b', 'native', '--trust');
  assert.equal(refused.status, 2, refused.stderr);
  assert.match(refused.stderr, /1 file is there and different\n.*\/tool\/text\n/);
  assert.deepEqual([readFileSync(join(tool, 'text'), 'utf8'), existsSync(join(tool, 'bin'))], ['mine\n', false]);
  assert.equal(done(await run('ls')), '');
  assert.match((await run('create', 'native-three', spec, '-b', 'native', '--trust', '--force')).stderr, /1 replaced/);
  assert.match(done(await run('verify', 'native-three')), /is what its spec says/);
  done(await run('delete', '-y', 'native-three'));
  assert.deepEqual([readFileSync(join(tool, 'text'), 'utf8'), existsSync(join(tool, 'bin'))], ['mine\n', false]);
});

test('packages of what was laid change, and the rest of the machine does not', async (t) => {
  await need('python3', 'python3-venv', 'python3-pip');
  const index = await wheels(['answer', '1.0', 'word = 42\n'], ['more', '2.0', 'word = "more"\n']);
  t.after(async () => await index[Symbol.asyncDispose]());
  const home = join(directory, 'person');
  mkdirSync(join(home, '.config/pip'), { recursive: true });
  writeFileSync(join(home, '.config/pip/pip.conf'), `[global]\nindex-url = ${index.url}/simple\n`);
  const person = commandIn(scratch('native-person'), { HOME: home });
  const env = join(directory, 'env');
  const python = join(env, 'bin/python');
  const packages = join(env, 'lib/python3.11/site-packages');
  await runProcess(['/usr/bin/python3', '-m', 'venv', '--without-pip', env], { env: environment });
  const pip = ['/usr/bin/python3', '-m', 'pip', '-q', '--python', python, 'install', 'answer'] as const;
  await runProcess(pip, { env: { ...environment, HOME: home } });
  const file = join(directory, 'env.yaml');
  done(await person('trace', '-q', '-o', file, '--', python, '-c', 'import answer'));
  rmSync(env, { recursive: true });
  mkdirSync(packages, { recursive: true });
  writeFileSync(join(packages, 'more.py'), 'mine\n');
  done(await person('create', 'native-env', file, '-b', 'native', '--trust'));
  const change = async (...words: string[]) => await person(...words, '-y', '-r', 'native-env');
  const refused = await change('install', 'venv:more');
  assert.equal(refused.status, 2, refused.stderr);
  assert.match(refused.stderr, /1 file is there and different\n.*more\.py\n/);
  assert.match(done(await person('verify', 'native-env')), /is what its spec says/);
  done(await change('install', 'venv:more', '--force'));
  assert.equal(done(await person('exec', 'native-env', '--', python, '-c', 'import more; print(more.word)')), 'more\n');
  assert.match(done(await person('verify', 'native-env')), /is what its spec says/);
  done(await change('uninstall', 'venv:answer'));
  assert.match(done(await person('verify', 'native-env')), /is what its spec says/);
  assert.deepEqual([existsSync(join(packages, 'answer.py')), existsSync(join(packages, 'more.py'))], [false, true]);
  done(await change('uninstall', 'venv:more'));
  assert.equal(readFileSync(join(packages, 'more.py'), 'utf8'), 'mine\n');
  done(await person('delete', '-y', 'native-env'));
  assert.deepEqual(
    readdirSync(env, { recursive: true }).filter((name) => String(name).endsWith('.py')),
    ['lib/python3.11/site-packages/more.py'],
  );
});

/** An index of these: name, version, what its one module has in it. */
async function wheels(...wanted: readonly (readonly [name: string, version: string, content: string])[]) {
  const made = wanted.map(([name, version, content]) => ({
    name,
    ...makeWheel(name, version, { [`${name}.py`]: content }),
  }));
  return await serve(directory, ({ url }, response) => {
    const wheel = made.find(({ file: one, name }) => url === `/${one}` || url === `/simple/${name}/`);
    if (wheel === undefined) response.writeHead(404).end();
    else if (url === `/${wheel.file}`) response.end(wheel.bytes);
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<a href="/${wheel.file}#sha256=${wheel.sha256}">${wheel.file}</a>`);
    return true;
  });
}

test('packages of the system are named, and installed only where that is said', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root installs packages');
  const isThere = async () =>
    (await runProcess(['dpkg-query', '-W', '-f', '${db:Status-Status}', 'hello'], { accept: 'any' })).stdout.toString();
  const before = await isThere();
  if (before === 'installed') return t.skip('hello is installed on this machine, and stays');
  await need('hello');
  t.after(async () => await runProcess(['dpkg', '--purge', 'hello'], { env: environment, accept: 'any' }));
  const file = join(directory, 'hello.yaml');
  done(await run('trace', '-q', '-o', file, '--', 'hello'));
  await runProcess(['dpkg', '--purge', 'hello'], { env: environment });
  const refused = await run('create', 'native-hello', file, '-b', 'native', '--trust');
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, /without touching 1 package of the system\n +hello:\S+ [0-9.-]+/);
  assert.notEqual(await isThere(), 'installed');
  const created = await run('create', 'native-hello', file, '-b', 'native', '--trust', '--allow-system');
  assert.match(created.stderr, /1 package of the system installed/);
  assert.equal(await isThere(), 'installed');
  assert.match(done(await run('verify', 'native-hello')), /is what its spec says/);
  assert.equal(done(await run('exec', 'native-hello', '--', 'hello')), 'Hello, world!\n');
  done(await run('delete', '-y', 'native-hello'));
});

test('programs of one’s own run on the machine only where that is said', async () => {
  makeTool();
  const file = join(directory, 'own.yaml');
  const made = join(directory, 'made');
  writeFileSync(file, readFileSync(spec, 'utf8').replace(/^lock:$/m, `customize:\n- run: [touch, ${made}]\nlock:`));
  const refused = await run('create', 'native-own', file, '-b', 'native', '--trust');
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, /without touching its own programs\n +runs touch /);
  assert.equal(existsSync(made), false);
  done(await run('create', 'native-own', file, '-b', 'native', '--trust', '--allow-system'));
  assert.equal(existsSync(made), true);
  done(await run('delete', '-y', 'native-own'));
});
