import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { parse } from 'valibot';

import { contexts, unpackSteps, type Contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { prefix } from './index.ts';

/** Writes files by content; a content that begins with `-> ` is a link, and paths that end in `/` are folders. */
function lay(top: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    const place = join(top, path);
    mkdirSync(path.endsWith('/') ? place : dirname(place), { recursive: true });
    if (path.endsWith('/')) continue;
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else writeFileSync(place, content, { mode: path.includes('/bin/') || path.includes('/shims/') ? 0o755 : 0o644 });
  }
}

const pyenv = {
  '/home/u/.pyenv/version': '3.11.7\n',
  '/home/u/.pyenv/shims/python3': '#!/usr/bin/env bash\n',
  '/home/u/.pyenv/versions/3.11.7/bin/python3': '-> python3.11',
  '/home/u/.pyenv/versions/3.11.7/bin/python3.11': 'ELF',
  '/home/u/.pyenv/versions/3.11.7/bin/pip': 'not used',
  '/home/u/.pyenv/versions/3.11.7/include/python3.11/patchlevel.h': '#define PY_VERSION      	"3.11.7+"\n',
  '/home/u/.pyenv/versions/3.11.7/lib/libpython3.11.so': '-> libpython3.11.so.1.0',
  '/home/u/.pyenv/versions/3.11.7/lib/libpython3.11.so.1.0': 'ELF',
  '/home/u/.pyenv/versions/3.11.7/lib/python3.11/os.py': 'landmark\n',
  '/home/u/.pyenv/versions/3.11.7/lib/python3.11/lib-dynload/': '',
  '/home/u/.pyenv/versions/3.11.7/lib/python3.11/json/__init__.py': 'source\n',
  '/home/u/.pyenv/versions/3.11.7/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc': 'compiled',
  '/home/u/.pyenv/versions/3.11.7/lib/python3.11/ssl.py': 'not used\n',
};

async function describe(
  origin: string,
  paths: readonly string[],
  { tracing }: Contexts,
  whole: readonly string[] = [],
) {
  const root = localRoot(origin);
  const context = { ...tracing, whole };
  const owned = await prefix.claim(paths, root, context);
  const described = await prefix.describe(owned, root, context);
  const parts = described.distributions.map(({ spec, lock, summary }) => ({
    spec: parse(prefix.schema, JSON.parse(JSON.stringify(spec))),
    lock: parse(prefix.lockSchema, { of: `sha256:${'0'.repeat(64)}`, ...lock }),
    summary,
  }));
  return { owned, parts, ...described };
}

async function make(t: TestContext, origin: string, paths: readonly string[], whole: readonly string[] = []) {
  const all = contexts(t);
  const described = await describe(origin, paths, all, whole);
  const target = join(all.folder, 'made');
  mkdirSync(target);
  for (const { spec, lock } of described.parts) await unpackSteps(prefix.plan(spec, lock, {}), target, all.store);
  return { ...described, target, contexts: all };
}

test('a pyenv build comes back as used, with what a trace does not show', async (t) => {
  const { folder: origin } = contexts(t);
  lay(origin, pyenv);
  const version = '/home/u/.pyenv/versions/3.11.7';
  const compiled = `${version}/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc`;
  utimesSync(join(origin, version, 'lib/python3.11/json/__init__.py'), 1_600_000_000, 1_600_000_000);
  const used = [
    '/home/u/.pyenv/shims/python3',
    '/home/u/.pyenv/version',
    `${version}/bin/python3`,
    `${version}/lib/libpython3.11.so`,
    compiled,
  ];
  const { parts, target, leads, contexts: all } = await make(t, origin, used);
  assert.deepEqual(
    parts.map(({ spec, summary }) => [spec, summary]),
    [
      [{ type: 'prefix', path: '/home/u/.pyenv', name: 'pyenv' }, '1 prefix (pyenv)'],
      [{ type: 'prefix', path: version, name: 'Python', version: '3.11.7+' }, '1 prefix (Python 3.11.7+, pyenv)'],
    ],
  );
  assert.deepEqual(leads, []);
  const at = (path: string) => join(target, path);
  assert.equal(readlinkSync(at(`${version}/bin/python3`)), 'python3.11');
  assert.equal(statSync(at(`${version}/bin/python3.11`)).mode & 0o777, 0o755);
  assert.ok(existsSync(at(`${version}/lib/libpython3.11.so.1.0`)));
  assert.ok(existsSync(at(`${version}/lib/python3.11/lib-dynload`)));
  // else Python takes its compiled file for an old one
  assert.equal(statSync(at(`${version}/lib/python3.11/json/__init__.py`)).mtimeMs, 1_600_000_000_000);
  assert.ok(existsSync(at('/home/u/.pyenv/shims/python3')));
  assert.ok(!existsSync(at(`${version}/lib/python3.11/ssl.py`)) && !existsSync(at(`${version}/bin/pip`)));

  const place = localRoot(target);
  for (const { spec, lock } of parts) {
    assert.deepEqual((await prefix.observe(spec, place, all.tracing)).packages, prefix.packages(spec, lock));
    assert.deepEqual((await prefix.check?.(spec, lock, place, all.tracing))?.differing, []);
  }
  const [, python] = parts;
  assert.ok(python !== undefined);
  appendFileSync(at(`${version}/bin/python3.11`), 'x');
  chmodSync(at(`${version}/lib/python3.11/os.py`), 0o600);
  const found = await prefix.check?.(python.spec, python.lock, place, all.tracing);
  assert.deepEqual(
    found?.differing.map(({ path, kind }) => [path, kind]),
    [
      [`${version}/bin/python3.11`, 'changed'],
      [`${version}/lib/python3.11/os.py`, 'mode'],
    ],
  );
});

test('two descriptions are the same bytes, and whole is all of it', async (t) => {
  const { folder: origin } = contexts(t);
  lay(origin, pyenv);
  const used = ['/home/u/.pyenv/versions/3.11.7/bin/python3'];
  const one = await make(t, origin, used);
  const other = await make(t, origin, used);
  assert.deepEqual(one.parts, other.parts);
  const whole = await make(t, origin, used, ['/home/u/.pyenv/versions/3.11.7']);
  assert.equal(whole.parts[0]?.spec.whole, true);
  assert.ok(existsSync(join(whole.target, '/home/u/.pyenv/versions/3.11.7/lib/python3.11/ssl.py')));
});

test('trees are recognised where they lie, and by their own files', async (t) => {
  const all = contexts(t);
  const files: Record<string, string> = {
    '/usr/local/bin/tool': '',
    '/usr/local/go/VERSION': 'go1.22.1\n',
    '/usr/local/go/bin/go': '',
    '/usr/local/go/src/fmt/print.go': '',
    '/opt/scaler/1.2/bin/scale': '',
    '/opt/plain/scale.sh': '',
    '/opt/lone-file': '',
    '/sw/jdk-17/release': 'IMPLEMENTOR="x"\nJAVA_VERSION="17.0.9"\n',
    '/sw/jdk-17/bin/java': '',
    '/sw/jdk-17/lib/modules': '',
    '/home/u/.nvm/versions/node/v20.11.1/bin/node': '',
    '/home/u/.nvm/versions/node/v20.11.1/include/node/node_version.h':
      '#define NODE_MAJOR_VERSION 20\n#define NODE_MINOR_VERSION 11\n#define NODE_PATCH_VERSION 1\n',
    '/home/u/.rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc': '',
    '/home/u/.rustup/toolchains/stable-x86_64-unknown-linux-gnu/lib/rustlib/multirust-channel-manifest.toml':
      '[pkg.rustc]\nversion = "1.75.0 (82e1608df 2023-12-21)"\n',
    '/home/u/.rustup/settings.toml': '',
    '/home/u/study/env/pyvenv.cfg': 'home = /usr/bin\nversion = 3.11.2\n',
    '/home/u/study/env/bin/python3': '-> /usr/bin/python3',
    '/home/u/study/env/lib/own.py': '',
    '/home/u/study/node_modules/left-pad/index.js': '',
    '/home/u/study/lib/own.py': '',
    '/home/u/study/bin/run': '',
    '/home/u/.local/bin/tool': '',
    '/home/u/.local/share/history': '',
    '/usr/bin/python3': '',
    '/home/u/.cargo/credentials.toml': 'token',
  };
  lay(all.folder, files);
  const { owned, parts, leads } = await describe(all.folder, Object.keys(files), all);
  const tops = Object.fromEntries([...owned].map(([path, [owner]]) => [path, owner?.key]));
  for (const path of [
    '/opt/lone-file',
    '/home/u/study/env/bin/python3',
    '/home/u/study/env/lib/own.py',
    '/home/u/study/lib/own.py',
    '/home/u/study/bin/run',
    '/home/u/.local/share/history',
    '/usr/bin/python3',
    '/home/u/.cargo/credentials.toml',
  ]) {
    assert.equal(tops[path], undefined, path);
  }
  assert.deepEqual(
    parts.map(({ spec: { path, name, version } }) => [path, name, version]),
    [
      ['/home/u/.local', 'local', undefined],
      ['/home/u/.nvm/versions/node/v20.11.1', 'Node', '20.11.1'],
      ['/home/u/.rustup', 'rustup', undefined],
      ['/home/u/.rustup/toolchains/stable-x86_64-unknown-linux-gnu', 'Rust', '1.75.0'],
      ['/home/u/study/node_modules', 'node_modules', undefined],
      ['/opt/plain', 'plain', undefined],
      ['/opt/scaler/1.2', 'scaler', '1.2'],
      ['/sw/jdk-17', 'Java', '17.0.9'],
      ['/usr/local', 'local', undefined],
      ['/usr/local/go', 'Go', '1.22.1'],
    ],
  );
  assert.deepEqual(leads, []);
});

test('private and secret files are left, over the limit everything is', async (t) => {
  const all = contexts(t, { limit: 100 });
  lay(all.folder, {
    '/opt/x/bin/x': 'x',
    '/opt/x/key.p12': 'k',
    '/opt/x/large': 'l'.repeat(200),
    '/opt/x/private': 'p',
  });
  chmodSync(join(all.folder, '/opt/x/private'), 0o640);
  const paths = ['/opt/x/bin/x', '/opt/x/key.p12', '/opt/x/private'];
  const small = await describe(all.folder, paths, all, ['/opt/x']);
  assert.equal(small.parts[0]?.lock.archive, undefined, 'over the limit');
  const used = await describe(all.folder, paths, all);
  assert.equal(used.parts[0]?.lock.files, 1);
  assert.deepEqual(
    used.notes.map(({ path }) => path),
    ['/opt/x/private'],
  );
  assert.ok(small.notes.some(({ path, text }) => path === '/opt/x' && text.includes('limit')));
  assert.ok(small.notes.some(({ path }) => path === '/opt/x/key.p12'));
});

test('long and odd names survive', async (t) => {
  const { folder: origin } = contexts(t);
  const long = `/opt/x/lib/${'d'.repeat(90)}/${'f'.repeat(90)}`;
  lay(origin, { [long]: 'long', '/opt/x/bin/Größe': 'ü', '/opt/x/bin/link': `-> ${'../'.repeat(40)}x` });
  const odd = Buffer.concat([Buffer.from(join(origin, '/opt/x/bin/odd-')), Buffer.of(0xff)]);
  writeFileSync(odd, 'odd');
  const { target } = await make(t, origin, [long, '/opt/x/bin/Größe', '/opt/x/bin/link', '/opt/x/bin/odd-\udcff']);
  assert.equal(readFileSync(join(target, long), 'utf8'), 'long');
  assert.equal(readFileSync(join(target, '/opt/x/bin/Größe'), 'utf8'), 'ü');
  assert.equal(readlinkSync(join(target, '/opt/x/bin/link')), `${'../'.repeat(40)}x`);
  assert.equal(
    readFileSync(Buffer.concat([Buffer.from(join(target, '/opt/x/bin/odd-')), Buffer.of(0xff)]), 'utf8'),
    'odd',
  );
});

test('another version of the same is told by what it is, wherever it lies', () => {
  const packages = (path: string, version: string) =>
    prefix.packages({ type: 'prefix', path, name: 'Python', version }).map(({ key, version: is }) => [key, is]);
  assert.deepEqual(packages('/p/3.10.13', '3.10.13'), [['Python', '3.10.13']]);
  assert.deepEqual(packages('/p/3.11.7', '3.11.7'), [['Python', '3.11.7']]);
  assert.deepEqual(prefix.packages({ type: 'prefix', path: '/opt/x' })[0]?.key, '/opt/x');
});
