import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { contexts } from '../../../test/fakes/contexts.ts';
import type { Ran } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { neededByGo, soughtByGo } from '../../toolkits/trees/go.ts';
import { identify } from './identify.ts';
import { prefix } from './index.ts';

function lay(t: TestContext, files: Readonly<Record<string, string>>) {
  const all = contexts(t);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(all.folder, dirname(path)), { recursive: true });
    writeFileSync(join(all.folder, path), content);
  }
  return { ...all, root: localRoot(all.folder) };
}

test('trees say how they were built', async (t) => {
  const { root } = lay(t, {
    '/p/bin/python3': '',
    '/p/include/python3.11/patchlevel.h': '#define PY_VERSION      "3.11.7"\n',
    '/p/lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py': `# system configuration generated and used by the sysconfig module
build_time_vars = {'ABIFLAGS': '',
 'CC': 'gcc',
 'CONFIG_ARGS': "'--prefix=/root/.pyenv/versions/3.11.7' '--enable-shared' "
                "'LDFLAGS=-L/root/.pyenv/versions/3.11.7/lib "
                "-Wl,-rpath,/root/.pyenv/versions/3.11.7/lib' ",
 'SOABI': 'cpython-311-x86_64-linux-gnu',
`,
    '/n/bin/node': '',
    '/n/include/node/node_version.h':
      '#define NODE_MAJOR_VERSION 24\n#define NODE_MINOR_VERSION 1\n#define NODE_PATCH_VERSION 0\n#define NODE_MODULE_VERSION 137\n',
    '/n/include/node/v8-version.h':
      '#define V8_MAJOR_VERSION 13\n#define V8_MINOR_VERSION 6\n#define V8_BUILD_NUMBER 233\n#define V8_PATCH_LEVEL 17\n',
    '/r/bin/rustc': '',
    '/r/lib/rustlib/multirust-channel-manifest.toml':
      'manifest-version = "2"\ndate = "2026-04-16"\n\n[pkg.rustc]\nversion = "1.95.0 (59807616e 2026-04-14)"\n\n[pkg.rustc.target.x]\navailable = true\n',
    '/g/VERSION': 'go1.26.8\ntime 2026-08-28T16:20:06Z\n',
    '/g/bin/go': '',
    '/j/bin/java': '',
    '/j/release':
      'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_RUNTIME_VERSION="25.0.3+9-LTS"\nJAVA_VERSION="25.0.3"\nSOURCE=".:git:cda0a1776184"\n',
    '/usr/local/lib/pkgconfig/scaler.pc': 'prefix=/usr/local\n\nName: scaler\nVersion: 1.2.3\nLibs: -lscaler\n',
    '/usr/local/lib/cmake/Thing/ThingConfigVersion.cmake': 'set(PACKAGE_VERSION "4.5")\n',
    '/e/easybuild/zlib-1.3.eb':
      "name = 'zlib'\nversion = '1.3'\n\ntoolchain = {'name': 'GCCcore', 'version': '12.3.0'}\n",
    '/s/.spack/spec.json': JSON.stringify({ spec: { nodes: [{ name: 'zlib', version: '1.3.1', hash: 'abc' }] } }),
    '/b/.spack/spec.json': '{"spec": {"nodes": [',
    '/b/lib/x': '',
  });
  const seen = async (top: string) => {
    const { name, version, build } = await identify(top, root);
    return [name, version, build];
  };
  assert.deepEqual(await seen('/p'), [
    'Python',
    '3.11.7',
    {
      compiler: 'gcc',
      configure:
        '--prefix=/root/.pyenv/versions/3.11.7 --enable-shared LDFLAGS=-L/root/.pyenv/versions/3.11.7/lib -Wl,-rpath,/root/.pyenv/versions/3.11.7/lib',
      interface: 'cpython-311-x86_64-linux-gnu',
    },
  ]);
  assert.deepEqual(await seen('/n'), ['Node', '24.1.0', { modules: '137', v8: '13.6.233.17' }]);
  assert.deepEqual(await seen('/r'), [
    'Rust',
    '1.95.0',
    { date: '2026-04-16', release: '1.95.0 (59807616e 2026-04-14)' },
  ]);
  assert.deepEqual(await seen('/g'), ['Go', '1.26.8', { time: '2026-08-28T16:20:06Z' }]);
  assert.deepEqual(await seen('/j'), [
    'Java',
    '25.0.3',
    { runtime: '25.0.3+9-LTS', source: '.:git:cda0a1776184', vendor: 'Eclipse Adoptium' },
  ]);
  assert.deepEqual(await seen('/usr/local'), ['local', undefined, { Thing: '4.5', scaler: '1.2.3' }]);
  assert.deepEqual(await seen('/e'), [
    'zlib',
    '1.3',
    { by: 'easybuild', easyconfig: 'zlib-1.3.eb', toolchain: 'GCCcore 12.3.0' },
  ]);
  assert.deepEqual(await seen('/s'), ['zlib', '1.3.1', { by: 'spack', hash: 'abc' }]);
  assert.deepEqual(await seen('/b'), ['b', undefined, {}], 'a broken description is none');
});

test('a folder that pip install --target filled is a tree', async (t) => {
  const { root, tracing } = lay(t, {
    '/data/libs/six.py': '',
    '/data/libs/six-1.17.0.dist-info/METADATA': '',
    '/data/libs/numpy/core/_multiarray.cpython-311-x86_64-linux-gnu.so': '',
    '/data/own/six.py': '',
    '/home/u/script.py': '',
    '/home/u/x-1.dist-info/METADATA': '',
  });
  const mine = ['/data/libs/numpy/core/_multiarray.cpython-311-x86_64-linux-gnu.so', '/data/libs/six.py'];
  const owned = await prefix.claim([...mine, '/data/own/six.py', '/home/u/script.py'], root, tracing);
  assert.deepEqual([...owned.keys()].toSorted(), mine);
  const { spec, lock } = (await prefix.describe(owned, root, tracing)).distributions[0] ?? assert.fail();
  assert.deepEqual([spec.path, spec.name, lock.build], ['/data/libs', 'libs', { six: '1.17.0' }]);
});

test('an interpreter that only something else stands on brings its library', async (t) => {
  const { root, tracing } = lay(t, {
    '/home/u/.pyenv/versions/3.11.7/bin/python3.11': '',
    '/home/u/.pyenv/versions/3.11.7/bin/python3': '',
    '/home/u/.pyenv/versions/3.11.7/lib/libpython3.11.so.1.0': '',
    '/home/u/.pyenv/versions/3.11.7/lib/python3.11/os.py': '',
    '/home/u/.pyenv/versions/3.11.7/lib/python3.11/ssl.py': '',
    '/home/u/.pyenv/versions/3.11.7/lib/python3.11/test/test_ssl.py': '',
    '/home/u/.pyenv/versions/3.11.7/lib/python3.11/site-packages/x.py': '',
  });
  const files = async (path: string) => {
    const owned = await prefix.claim([`/home/u/.pyenv/versions/3.11.7/${path}`], root, tracing);
    return (await prefix.describe(owned, root, tracing)).distributions[0]?.lock.files;
  };
  assert.equal(await files('bin/python3.11'), 5, 'both names, the shared library, os and ssl');
  assert.equal(await files('lib/python3.11/os.py'), 2, 'what was used, and what tells what it is');
});

test('Go’s command has its library, and the compiler that it looks for', async (t) => {
  const { root } = lay(t, {
    '/usr/local/go/bin/go': '',
    '/usr/local/go/go.env': '',
    '/usr/local/go/src/unsafe/unsafe.go': '',
    '/usr/local/go/src/fmt/print.go': '',
    '/usr/local/go/src/fmt/print_test.go': '',
    '/usr/local/go/src/fmt/testdata/x': '',
    '/usr/local/go/src/cmd/go/main.go': '',
    '/usr/bin/gcc': '',
  });
  const needed = await neededByGo('/usr/local/go', new Set(['/usr/local/go/bin/go']), root);
  assert.deepEqual(
    needed.filter((path) => path.startsWith('/usr/local/go/src')),
    ['/usr/local/go/src/fmt/print.go', '/usr/local/go/src/unsafe/unsafe.go'],
  );
  assert.deepEqual(await neededByGo('/usr/local/go', new Set(['/usr/local/go/bin/gofmt']), root), []);
  const ran = (env: Ran['env'], verb = 'build'): Ran => ({
    env: { PATH: '/usr/local/bin:/usr/bin', ...env },
    directory: '/',
    programs: [{ file: '/usr/local/go/bin/go', argv: ['go', verb, './...'] }],
  });
  assert.deepEqual(await soughtByGo(ran({}), root), ['/usr/bin/gcc']);
  assert.deepEqual(await soughtByGo(ran({ CGO_ENABLED: '0' }), root), []);
  assert.deepEqual(await soughtByGo(ran({ CC: 'clang -m64' }), root), []);
  assert.deepEqual(await soughtByGo(ran({}, 'version'), root), []);
});
