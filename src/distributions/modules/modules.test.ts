import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import type { Ran, TraceContext } from '../../contract/index.ts';
import { applyChanges } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { askedWithin, loadedBefore } from './asked.ts';
import { modules } from './index.ts';
import { parseModulefile } from './modulefile.ts';
import { resolve } from './resolve.ts';

const facts = { name: 'foo/1.2', file: '/opt/mf/foo/1.2', env: { HOME: '/home/u' } };

test('a Tcl modulefile is read without being run', () => {
  const read = parseModulefile(
    `#%Module1.0
## a comment; setenv NOT {this}
proc ModulesHelp { } { puts stderr "setenv NOR this" }
module-whatis "foo [module-info version]"
set root    /opt/foo
set version [file tail $ModulesCurrentModulefile]
conflict foo
prereq bar/1 bar/2
if { ![ is-loaded GCC/12 ] } {
  module load GCC/12
}
if { [module-info mode remove] } { setenv WHEN_UNLOADED 1 }
prepend-path PATH $root/$version/bin
prepend-path --delim ";" LUA_PATH $root/lua
prepend-path MANPATH /a:/b
append-path LD_LIBRARY_PATH "\${root}/\\
lib"
setenv FOO_HOME $env(HOME)/x; setenv FOO_B {$plain}
setenv FOO_DATE [exec date]
pushenv CC "a b\\"c"
unsetenv GONE
module use /opt/more
`,
    facts,
  );
  assert.deepEqual(read.changes, [
    { do: 'prepend', name: 'PATH', value: '/opt/foo/1.2/bin' },
    { do: 'prepend', name: 'LUA_PATH', value: '/opt/foo/lua', delimiter: ';' },
    { do: 'prepend', name: 'MANPATH', value: '/b' },
    { do: 'prepend', name: 'MANPATH', value: '/a' },
    { do: 'append', name: 'LD_LIBRARY_PATH', value: '/opt/foo/ lib' },
    { do: 'set', name: 'FOO_HOME', value: '/home/u/x' },
    { do: 'set', name: 'FOO_B', value: '$plain' },
    { do: 'set', name: 'FOO_DATE' },
    { do: 'set', name: 'CC', value: 'a b"c' },
    { do: 'unset', name: 'GONE' },
    { do: 'prepend', name: 'MODULEPATH', value: '/opt/more' },
  ]);
  assert.deepEqual(read.about, ['foo 1.2']);
  assert.deepEqual([read.conflicts, read.needs, read.loads], [['foo'], ['bar/1', 'bar/2'], ['GCC/12']]);
  assert.deepEqual(read.paths, ['/opt/foo']);
});

test('a Lua modulefile is read without being run', () => {
  const read = parseModulefile(
    `help([==[
setenv("NOT", "this")
]==])
--[[ setenv("NOR", "this") ]]
whatis("Name: foo")
local base = "/opt/sw"
local root = pathJoin(base, myModuleName(), myModuleVersion())
conflict("foo")
if not isloaded("gcc/12") then load("gcc/12") end
depends_on('bar', "baz/2")
prepend_path("PATH", root .. "/bin")
prepend_path("LD_LIBRARY_PATH", base.."/lib:/x")
setenv("FOO_HOME", root) -- its home
setenv("FOO_USER", os.getenv("HOME"))
setenv("FOO_TIME", os.date())
setenv("FOO_N", 12)
family "compiler"
`,
    { ...facts, file: '/opt/mf/foo/1.2.lua' },
  );
  assert.deepEqual(read.changes, [
    { do: 'prepend', name: 'PATH', value: '/opt/sw/foo/1.2/bin' },
    { do: 'prepend', name: 'LD_LIBRARY_PATH', value: '/x' },
    { do: 'prepend', name: 'LD_LIBRARY_PATH', value: '/opt/sw/lib' },
    { do: 'set', name: 'FOO_HOME', value: '/opt/sw/foo/1.2' },
    { do: 'set', name: 'FOO_USER', value: '/home/u' },
    { do: 'set', name: 'FOO_TIME' },
    { do: 'set', name: 'FOO_N', value: '12' },
  ]);
  assert.deepEqual([read.conflicts, read.needs, read.loads], [['foo', 'compiler'], ['bar', 'baz/2'], ['gcc/12']]);
});

test('garbage is read to its end, in time', () => {
  const pieces = ['{', '[', '"', '\\', '$', '(', '..', 'set a "$a$a"\n', 'setenv X ', '--[[', 'prepend_path(', ';'];
  let seed = 7;
  for (let round = 0; round < 300; round += 1) {
    let text = round % 2 === 0 ? '#%Module1.0\n' : '';
    for (let index = 0; index < 300; index += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      text += pieces[seed % pieces.length] ?? '';
    }
    parseModulefile(text, facts);
  }
  const started = performance.now();
  for (const piece of ['[', '{', '"', '$a[', 'set a "$a$a"\n', 'f(', 'x..', '--[[', 'if {x} {']) {
    for (const cookie of ['#%Module1.0\nset a aa\n', '']) parseModulefile(cookie + piece.repeat(50_000), facts);
  }
  assert.ok(performance.now() - started < 5000);
});

test('what was loaded is told by both lists, and by what the command ran', () => {
  const env = { LOADEDMODULES: 'foo/1.3:bar/1', _LMFILES_: '/opt/mf/foo/1.3:/opt/mf/bar/1' };
  assert.deepEqual(loadedBefore(env), [
    { name: 'foo/1.3', file: '/opt/mf/foo/1.3' },
    { name: 'bar/1', file: '/opt/mf/bar/1' },
  ]);
  assert.deepEqual(loadedBefore({ LOADEDMODULES: 'a:b', _LMFILES_: '/x' }), []);
  // Lmod 8.6.19, after `module load bar/1`
  const [first, second] = [
    'X01vZHVsZVRhYmxlXyA9IHsKTVR2ZXJzaW9uID0gMywKY19yZWJ1aWxkVGltZSA9IGZhbHNlLApjX3Nob3J0VGltZSA9IGZhbHNlLApkZXB0aFQgPSB7fSwKZmFtaWx5ID0ge30sCm1UID0gewpiYXIgPSB7CmZuID0gIi9vcHQvbWYvYmFyLzEiLApmdWxsTmFtZSA9ICJiYXIvMSIsCmxvYWRPcmRlciA9IDIsCnByb3BUID0ge30sCnN0YWNrRGVwdGggPSAwLApzdGF0dXMgPSAiYWN0aXZlIiwKdXNlck5hbWUgPSAiYmFyLzEiLAp3ViA9ICIwMDAwMDAwMDEuKnpmaW5hbCIsCn0sCmZvbyA9IHsKZm4gPSAiL29wdC9tZi9mb28vMS4zIiwKZnVsbE5hbWUgPSAiZm9vLzEuMyIsCmxvYWRPcmRlciA9IDEsCnByb3BUID0ge30sCnN0YWNrRGVwdGggPSAxLApzdGF0dXMgPSAiYWN0aXZl',
    'IiwKdXNlck5hbWUgPSAiZm9vLzEuMyIsCndWID0gIjAwMDAwMDAwMS4wMDAwMDAwMDMuKnpmaW5hbCIsCn0sCn0sCm1wYXRoQSA9IHsKIi9vcHQvbWYiLCAiL2V0Yy9sbW9kL21vZHVsZXMiLCAiL3Vzci9zaGFyZS9sbW9kL2xtb2QvbW9kdWxlZmlsZXMiLAp9LApzeXN0ZW1CYXNlTVBBVEggPSAiL2V0Yy9sbW9kL21vZHVsZXM6L3Vzci9zaGFyZS9sbW9kL2xtb2QvbW9kdWxlZmlsZXMiLAp9Cg==',
  ];
  const table = { _ModuleTable001_: first ?? '', _ModuleTable002_: second ?? '', _ModuleTable_Sz_: '2' };
  assert.deepEqual(loadedBefore(table), loadedBefore(env));
  const tclsh = '/usr/bin/tclsh8.6';
  const programs = [
    { file: tclsh, argv: [tclsh, '/usr/lib/x86_64-linux-gnu/modulecmd.tcl', 'bash', 'load', 'foo', 'bar/1'] },
    { file: tclsh, argv: [tclsh, '/usr/lib/x86_64-linux-gnu/modulecmd.tcl', 'bash', 'list'] },
    { file: '/usr/bin/lua5.3', argv: ['/usr/share/lmod/lmod/libexec/lmod', 'bash', 'load', '-q', 'baz', '../x'] },
    { file: '/usr/bin/x', argv: ['x', 'load', 'no'] },
  ];
  assert.deepEqual(askedWithin(programs), ['foo', 'bar/1', 'baz']);
});

function lay(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function describe(paths: readonly string[], directory: string, tracing: TraceContext, ran: Ran) {
  const root = localRoot(directory);
  const context = { ...tracing, ran };
  const owned = new Map(await modules.claim(paths, root, context));
  let answer = await modules.describe(owned, root, context);
  // as the flow does
  for (const [path, owner] of await modules.claim(answer.leads ?? [], root, context)) owned.set(path, owner);
  answer = await modules.describe(owned, root, context);
  return { owned, answer, root };
}

const site = {
  '/apps/modules/foo/1.2': '#%Module1.0\nset root /apps/foo/1.2\nprepend-path PATH $root/bin\nsetenv FOO_ROOT $root\n',
  '/apps/modules/zlib/1.3.lua':
    'prepend_path("CPATH", "/apps/spack/zlib-1.3-abc/include")\nsetenv("ZLIB_KEY", "tok-1234")\n',
  '/apps/modules/GCC/12.2':
    '#%Module1.0\nsetenv EBROOTGCC /apps/eb/GCC/12.2\nprepend-path PATH /apps/eb/GCC/12.2/bin\n',
  '/apps/modules/wide/1':
    '#%Module1.0\nprepend-path PATH /usr/bin\nprepend-path PATH /apps/bin\nsetenv WIDE_HOME /home/u\n',
  '/apps/foo/1.2/bin/foo': 'foo',
  '/apps/foo/1.2/lib/libfoo.so.1': 'lib',
  '/apps/foo/1.3/bin/foo': 'foo',
  '/apps/bin/x': 'x',
  '/apps/spack/zlib-1.3-abc/include/zlib.h': 'h',
  '/apps/spack/zlib-1.3-abc/.spack/spec.json': JSON.stringify({
    spec: { nodes: [{ name: 'zlib', version: '1.3', hash: 'abcdefgh', compiler: { name: 'gcc', version: '12.2.0' } }] },
  }),
  '/apps/eb/GCC/12.2/bin/gcc': 'gcc',
  '/apps/eb/GCC/12.2/easybuild/GCC-12.2.eb':
    "name = 'GCC'\nversion = '12.2'\ntoolchain = {'name': 'system', 'version': 'system'}\n",
  '/usr/bin/y': 'y',
  '/home/u/z': 'z',
} as const;

const names = ['foo/1.2', 'zlib/1.3', 'GCC/12.2', 'wide/1'];
const ran: Ran = {
  env: {
    HOME: '/home/u',
    LOADEDMODULES: names.join(':'),
    _LMFILES_: '/apps/modules/foo/1.2:/apps/modules/zlib/1.3.lua:/apps/modules/GCC/12.2:/apps/modules/wide/1',
    MODULEPATH: '/apps/modules',
    PATH: '/apps/bin:/usr/bin:/apps/eb/GCC/12.2/bin:/apps/foo/1.2/bin:/usr/bin',
    CPATH: '/apps/spack/zlib-1.3-abc/include',
    FOO_ROOT: '/elsewhere',
    EBROOTGCC: '/apps/eb/GCC/12.2',
    ZLIB_KEY: 'tok-1234',
  },
  directory: '/work',
  programs: [],
};

test('a module owns its trees and no more; EasyBuild and Spack are known behind it', async (t: TestContext) => {
  const { folder, tracing } = contexts(t);
  lay(folder, site);
  const { owned, answer } = await describe(Object.keys(site), folder, tracing, ran);
  assert.deepEqual(
    [...owned].filter(([path]) => !path.startsWith('/apps/modules/')).map(([path, [owner]]) => [path, owner?.key]),
    [
      ['/apps/foo/1.2/bin/foo', 'foo/1.2'],
      ['/apps/foo/1.2/lib/libfoo.so.1', 'foo/1.2'],
      ['/apps/spack/zlib-1.3-abc/include/zlib.h', 'zlib/1.3'],
      ['/apps/spack/zlib-1.3-abc/.spack/spec.json', 'zlib/1.3'],
      ['/apps/eb/GCC/12.2/bin/gcc', 'GCC/12.2'],
      ['/apps/eb/GCC/12.2/easybuild/GCC-12.2.eb', 'GCC/12.2'],
    ],
  );
  const { spec, lock, variables } = answer.distributions[0] ?? assert.fail();
  assert.deepEqual(spec.packages, names);
  assert.deepEqual(
    lock.packages.map(({ name, by, build }) => [name, by, build]),
    [
      ['foo/1.2', undefined, undefined],
      ['zlib/1.3', 'spack', 'abcdefgh'],
      ['GCC/12.2', 'easybuild', 'GCC-12.2.eb'],
      ['wide/1', undefined, undefined],
    ],
  );
  // the environment has the last word, and a secret none
  assert.deepEqual(
    lock.environment?.filter(({ do: what }) => what === 'set').map(({ name, value }) => [name, value]),
    [
      ['FOO_ROOT', '/elsewhere'],
      ['EBROOTGCC', '/apps/eb/GCC/12.2'],
    ],
  );
  assert.ok(variables?.includes('FOO_ROOT'));
  const active = applyChanges({ PATH: '/bin' }, modules.activate?.(spec, { of: 'sha256:', ...lock }) ?? []);
  assert.equal(active['PATH'], '/apps/bin:/usr/bin:/apps/eb/GCC/12.2/bin:/apps/foo/1.2/bin:/bin');
  assert.equal(active['LOADEDMODULES'], names.join(':'));
});

test('used files come back with the modulefiles, and a changed one is found', async (t) => {
  const { folder, tracing, store } = contexts(t);
  const from = lay(join(folder, 'from'), site);
  symlinkSync('libfoo.so.1', join(from, '/apps/foo/1.2/lib/libfoo.so'));
  const used = ['/apps/foo/1.2/bin/foo', '/apps/foo/1.2/lib/libfoo.so'];
  const { answer } = await describe(used, from, tracing, ran);
  const { spec, lock: rest } = answer.distributions[0] ?? assert.fail();
  const lock = { of: 'sha256:' as const, ...rest };
  const to = join(folder, 'to');
  await unpackSteps(modules.plan(spec, lock, {}), to, store);
  assert.ok(existsSync(join(to, '/apps/foo/1.2/lib/libfoo.so.1')), 'behind the link');
  assert.ok(existsSync(join(to, '/apps/modules/zlib/1.3.lua')), 'of a module that was not used');
  assert.ok(!existsSync(join(to, '/apps/foo/1.3')));
  const root = localRoot(to);
  assert.deepEqual((await modules.check?.(spec, lock, root, tracing))?.differing, []);
  writeFileSync(join(to, '/apps/foo/1.2/bin/foo'), 'other');
  const checked = await modules.check?.(spec, lock, root, tracing);
  assert.deepEqual(
    checked?.differing.map(({ path, kind }) => [path, kind]),
    [['/apps/foo/1.2/bin/foo', 'changed']],
  );
  assert.ok(checked?.own?.includes('/apps/foo/1.2/bin/foo'));
  const other = { ...spec, packages: ['zlib/1.3'] };
  const steps = modules.change?.(
    { spec, lock, made: {} },
    { spec: other, lock: { ...lock, roots: [{ path: '/apps/spack/zlib-1.3-abc', module: 'zlib/1.3' }] }, made: {} },
  );
  assert.deepEqual(
    steps?.map((step) => [step.do, 'path' in step ? step.path : '']),
    [
      ['remove', '/apps/foo/1.2'],
      ['remove', '/apps/eb/GCC/12.2'],
      ['unpack', ''],
    ],
  );
});

test('a link by which a tree is named is the module’s, too', async (t) => {
  const { folder, tracing } = contexts(t);
  lay(folder, {
    '/apps/modules/py/3': '#%Module1.0\nprepend-path PATH /apps/py/3/bin\n',
    '/gpfs/py-3.12/bin/py': 'py',
  });
  mkdirSync(join(folder, '/apps/py'));
  symlinkSync('/gpfs/py-3.12', join(folder, '/apps/py/3'));
  const py = { ...ran, env: { LOADEDMODULES: 'py/3', _LMFILES_: '/apps/modules/py/3', PATH: '/apps/py/3/bin' } };
  const { owned, answer } = await describe(['/apps/py/3', '/gpfs/py-3.12/bin/py'], folder, tracing, py);
  assert.deepEqual([...owned.keys()].slice(0, 2), ['/apps/py/3', '/gpfs/py-3.12/bin/py']);
  assert.deepEqual(
    answer.distributions[0]?.lock.roots?.map(({ path }) => path),
    ['/apps/py/3', '/gpfs/py-3.12'],
  );
});

test('a modulefile that is gone costs itself, and is named', async (t) => {
  const { folder, tracing } = contexts(t);
  lay(folder, site);
  const lost = { ...ran, env: { ...ran.env, LOADEDMODULES: 'no/1:foo/1.2', _LMFILES_: '/no/1:/apps/modules/foo/1.2' } };
  const { answer } = await describe(['/apps/foo/1.2/bin/foo'], folder, tracing, lost);
  assert.deepEqual(answer.distributions[0]?.spec.packages, ['foo/1.2']);
  assert.deepEqual(
    answer.notes.filter(({ kind }) => kind === 'unreadable').map(({ path }) => path),
    ['/no/1'],
  );
});

test('modules that a person names are taken from this machine, with what they load', async (t) => {
  const { folder, creating } = contexts(t);
  lay(folder, { ...site, '/apps/modules/bar/2': '#%Module1.0\nmodule load foo\nsetenv BAR 2\n' });
  const root = localRoot(folder);
  const wish = { type: 'modules', modulepath: ['/apps/modules'], packages: ['bar'] } as const;
  const lock = await resolve(wish, undefined, creating, [], root);
  assert.deepEqual(
    lock.packages.map(({ name, within }) => [name, within]),
    [
      ['foo/1.2', undefined],
      ['bar/2', undefined],
    ],
  );
  assert.deepEqual(lock.roots, [{ path: '/apps/foo/1.2', module: 'foo/1.2' }]);
  assert.ok(lock.archive !== undefined && lock.files === 4);
  const exact = { of: 'sha256:' as const, ...lock };
  const active = applyChanges({ PATH: '/bin' }, modules.activate?.(wish, exact) ?? []);
  assert.deepEqual([active['PATH'], active['BAR']], ['/apps/foo/1.2/bin:/bin', '2']);
  assert.deepEqual(await resolve(wish, exact, creating, [], localRoot(join(folder, 'home'))), lock, 'held stays');
  const other = { ...wish, packages: ['no/1'] };
  await assert.rejects(resolve(other, exact, creating, [], root), /module no\/1 is not on this machine/);
  await assert.rejects(resolve({ type: 'modules', packages: ['bar'] }, undefined, creating, [], root), /modulepath/);
});
