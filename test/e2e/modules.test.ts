/** Modules as clusters have them: loaded by the real tools, recorded, and there again on a chroot without the tools. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

import { parse } from 'yaml';

import type { ModulesLock, ModulesSpec } from '../../src/distributions/modules/spec.ts';
import { luaModulefile, tclModulefile, type Module } from '../../src/formats/modulefile.ts';
import type { Run } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { need, scratch } from './need.ts';

const directory = scratch('modules');
const home = join(directory, 'home');
const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
// neither below /dev nor /tmp: where a cluster's software may lie
const site = mkdtempSync('/srv/repronim-modules-');
const work = join(site, 'work');
const mf = join(site, 'mf');
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const lmod = join(directory, 'lmod/usr/share/lmod/lmod/libexec/lmod');

before(async () => {
  await need('environment-modules', 'lua5.3', 'lua-filesystem', 'lua-json', 'lua-posix', 'lua-term', 'tcl');
  // the packages of the two tools exclude each other
  mkdirSync(join(directory, 'lmod'));
  const apt = ['apt-get', '-qq', '-o', 'APT::Sandbox::User=root', 'download', 'lmod'] as const;
  await runProcess(apt, { cwd: directory, env: { PATH: path, LC_ALL: 'C.UTF-8' } });
  await runProcess(['sh', '-c', 'dpkg-deb -x lmod_*.deb lmod'], { cwd: directory });
  const files: Readonly<Record<string, string>> = {
    'sw/scaler/1.2/bin/scale': '#!/bin/sh\nread n; read by < "$SCALER_HOME/share/factor"; echo $((n * by))\n',
    'sw/scaler/1.2/share/factor': '3\n',
    'sw/scaler/1.2/share/unused': 'x\n',
    'sw/base/7/bin/base': '#!/bin/sh\necho base 7\n',
    'mf/base/7': `#%Module1.0\nprepend-path PATH ${site}/sw/base/7/bin\n`,
    'mf/scaler/1.2.lua': `whatis("scales numbers")
local root = pathJoin("${site}/sw", myModuleName(), myModuleVersion())
load("base/7")
prepend_path("PATH", pathJoin(root, "bin"))
setenv("SCALER_HOME", root)
`,
    'mf/scaler/1.2': `#%Module1.0
module-whatis "scales numbers"
module load base/7
set root ${site}/sw/scaler/[file tail $ModulesCurrentModulefile]
prepend-path PATH $root/bin
setenv SCALER_HOME $root
`,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(site, name)), { recursive: true });
    writeFileSync(join(site, name), content);
    if (content.startsWith('#!')) chmodSync(join(site, name), 0o755);
  }
  mkdirSync(work);
});
after(() => rmSync(site, { recursive: true, force: true }));

/** A shell's environment once these modules are loaded. */
async function loaded(tool: 'tcl' | 'lmod', ...modules: readonly string[]): Promise<Record<string, string>> {
  const start =
    tool === 'tcl'
      ? '. /etc/profile.d/modules.sh; module use "$0"; module load "$@"'
      : `export MODULEPATH="$0" LMOD_VERSION=8.6.19; eval "$(lua5.3 ${lmod} bash load "$@")"`;
  const { stdout } = await runProcess(['bash', '-c', `${start} >&2; env -0`, mf, ...modules], {
    env: { PATH: path, LC_ALL: 'C.UTF-8', HOME: '/root' },
  });
  const pairs = stdout
    .toString()
    .split('\0')
    .flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 && !line.startsWith('BASH_FUNC_') ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** repronim in the folder of the study, with such an environment. */
async function repronim(env: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const settings = { PATH: path, LC_ALL: 'C.UTF-8', ...env, HOME: home, REPRONIM_HOME: home };
  const argv = [process.execPath, '--no-warnings', main, ...words] as const;
  const { status, stdout, stderr } = await runProcess(argv, { env: settings, cwd: work, accept: 'any' });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

interface Read {
  readonly spec: ModulesSpec;
  readonly lock: ModulesLock;
  readonly run: Run | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

function read(file: string): Read {
  const value = parse(readFileSync(file, 'utf8')) as {
    runs?: Run[];
    environment?: Record<string, string>;
    distributions: ModulesSpec[];
    lock: { distributions: { modules: ModulesLock } };
  };
  const spec = value.distributions.find(({ type }) => type === 'modules');
  return {
    spec: spec ?? assert.fail('no modules'),
    lock: value.lock.distributions.modules,
    run: value.runs?.[0],
    environment: value.environment ?? {},
  };
}

test('a command that uses a loaded module comes back on a chroot', async (t) => {
  const file = join(directory, 'before.yaml');
  const env = await loaded('tcl', 'scaler');
  writeFileSync(join(work, 'in'), '14\n');
  t.after(async () => await repronim({}, 'delete', '--yes', 'modules-before'));
  // what it had of variables is an output, and so compared by the replay
  const command = ['sh', '-c', 'scale < in > out; env | grep -E "^(PATH|SCALER_|MODULEPATH|LOADED|_LM)" | sort > env'];
  const said = await repronim(env, 'reproduce', '--name', 'modules-before', '-o', file, '--', ...command);
  assert.equal(said.status, 0, said.stderr);
  assert.equal(readFileSync(join(work, 'out'), 'utf8'), '42\n');
  assert.match(said.stderr, /2 outputs, 2 equal/);
  const { spec, lock, run, environment } = read(file);
  assert.equal(spec.tool, 'environment-modules');
  assert.deepEqual(run?.with, ['modules']);
  assert.deepEqual(Object.keys(environment), ['LC_ALL', 'PATH']);
  assert.match(readFileSync(join(work, 'env'), 'utf8'), /^LOADEDMODULES=base\/7:scaler\/1\.2$[^]*^SCALER_HOME=/m);
  assert.deepEqual(spec.packages, ['base/7', 'scaler/1.2']);
  assert.deepEqual(
    lock.packages.map(({ file: at, about }) => [at, about]),
    [
      [`${mf}/base/7`, undefined],
      [`${mf}/scaler/1.2`, 'scales numbers'],
    ],
  );
  assert.deepEqual(lock.roots, [
    { path: `${site}/sw/base/7`, module: 'base/7' },
    { path: `${site}/sw/scaler/1.2`, module: 'scaler/1.2' },
  ]);
  // the same as a module of its own, in both tools
  mkdirSync(join(mf, 'again'));
  for (const [form, name] of [
    ['tcl', '1'],
    ['lua', '2.lua'],
  ] as const) {
    const { stdout } = await repronim({}, 'activate', 'modules-before', '--shell', form);
    writeFileSync(join(mf, 'again', name), stdout);
  }
  const had = ({ PATH, SCALER_HOME }: Record<string, string>) => [PATH, SCALER_HOME];
  assert.deepEqual(had(await loaded('tcl', 'again/1')), had(env));
  assert.deepEqual(had(await loaded('lmod', 'again/1')), had(env));
  assert.deepEqual(had(await loaded('lmod', 'again/2')), had(env));
  const verified = await repronim({}, 'verify', 'modules-before');
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  const there = await repronim({}, 'exec', 'modules-before', '--', 'ls', `${site}/sw/scaler/1.2/share`, `${mf}/scaler`);
  assert.equal(there.stdout, `${mf}/scaler:\n1.2\n\n${site}/sw/scaler/1.2/share:\nfactor\n`);
});

test('so does one that loads it itself', async (t) => {
  const file = join(directory, 'within.yaml');
  writeFileSync(join(work, 'in'), '5\n');
  t.after(async () => await repronim({}, 'delete', '--yes', 'modules-within'));
  const script = `. /etc/profile.d/modules.sh; module use ${mf}; module load scaler; scale < in > out2`;
  const options = ['--name', 'modules-within', '-o', file];
  const said = await repronim({}, 'reproduce', ...options, '--', 'bash', '-c', script);
  assert.equal(said.status, 0, said.stderr);
  assert.equal(readFileSync(join(work, 'out2'), 'utf8'), '15\n');
  const { spec, lock } = read(file);
  assert.deepEqual(spec.packages, ['base/7', 'scaler/1.2']);
  assert.deepEqual(spec.modulepath, [mf]);
  assert.ok(lock.packages.every(({ within }) => String(within) === 'true'));
});

test('what Lmod loaded is told from its own environment', async () => {
  const file = join(directory, 'lmod.yaml');
  const env = await loaded('lmod', 'scaler');
  assert.equal(env['LOADEDMODULES'], 'base/7:scaler/1.2');
  const { LOADEDMODULES: _, _LMFILES_: __, ...table } = env;
  for (const settings of [env, table]) {
    const said = await repronim(settings, 'trace', '--force', '-o', file, '--', 'base');
    assert.equal(said.status, 0, said.stderr);
    const { spec, lock } = read(file);
    assert.equal(spec.tool, 'lmod');
    assert.equal(spec.version, '8.6.19');
    assert.deepEqual(spec.packages, ['base/7', 'scaler/1.2']);
    assert.deepEqual(
      lock.environment
        ?.filter(({ module }) => module !== undefined)
        .map(({ name, value, module }) => [name, value, module]),
      [
        ['PATH', `${site}/sw/base/7/bin`, 'base/7'],
        ['PATH', `${site}/sw/scaler/1.2/bin`, 'scaler/1.2'],
        ['SCALER_HOME', `${site}/sw/scaler/1.2`, 'scaler/1.2'],
      ],
    );
  }
});

test('a modulefile of ours is loaded by both tools, whatever is in its values', async () => {
  const odd = 'two words "q" $HOME [exit] {b} \\ ; # \'s\' %';
  const module: Module = {
    name: 'ours/1.0',
    about: 'an "environment" of [ours]\nfor $HOME',
    changes: [
      { do: 'set', name: 'OURS_ODD', value: odd },
      { do: 'prepend', name: 'PATH', value: '/srv/ours/bin' },
      { do: 'prepend', name: 'PATH', value: '/srv/with space/bin' },
      { do: 'set', name: 'OURS_HOME', value: '/srv/ours' },
    ],
  };
  mkdirSync(join(mf, 'ours'), { recursive: true });
  writeFileSync(join(mf, 'ours/1.0'), tclModulefile(module));
  const ours = (env: Readonly<Record<string, string>>) => [env['PATH'], env['OURS_ODD'], env['OURS_HOME']];
  const expected = [`/srv/with space/bin:/srv/ours/bin:${path}`, odd, '/srv/ours'];
  assert.deepEqual(ours(await loaded('tcl', 'ours/1.0')), expected);
  assert.deepEqual(ours(await loaded('lmod', 'ours/1.0')), expected, 'the same file in Lmod');
  writeFileSync(join(mf, 'ours/2.0.lua'), luaModulefile({ ...module, name: 'ours/2.0' }));
  assert.deepEqual(ours(await loaded('lmod', 'ours/2.0')), expected);
});
