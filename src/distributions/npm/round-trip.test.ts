import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { parse } from 'valibot';

import { contexts, unpackSteps, type Contexts } from '../../../test/fakes/contexts.ts';
import { npmRegistry } from '../../../test/fakes/npm-registry.ts';
import { fetchAll } from '../../archives/fetch.ts';
import type { CreateContext, TraceContext } from '../../contract/index.ts';
import type { Argv } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { npm } from './index.ts';
import type { NpmLock, NpmSpec } from './spec.ts';

const packages = [
  { manifest: { name: 'pad', version: '1.0.0', main: 'index.js' }, files: { 'index.js': 'module.exports = 1;\n' } },
  { manifest: { name: 'pad', version: '2.0.0' }, files: { 'index.js': 'module.exports = 2;\n' } },
  {
    manifest: { name: '@lab/tool', version: '3.1.0', bin: { tool: './cli.js' }, dependencies: { pad: '^1.0.0' } },
    files: {
      'cli.js': '#!/usr/bin/env node\nconsole.log(`tool ${require("pad")}`);\n',
      'sub/.gitignore': 'x\n',
      'README.md': 'a tool\n',
    },
  },
  {
    manifest: { name: 'carrier', version: '1.0.0', dependencies: { inner: '1.0.0' }, bundleDependencies: ['inner'] },
    files: {
      'index.js': 'module.exports = require("inner");\n',
      'node_modules/inner/package.json': '{"name":"inner","version":"1.0.0"}\n',
      'node_modules/inner/index.js': 'module.exports = "inner";\n',
    },
  },
  {
    manifest: { name: 'built', version: '1.0.0', scripts: { postinstall: 'node build.js' } },
    files: { 'build.js': 'require("fs").writeFileSync("made.js", "module.exports = 42;\\n");\n' },
  },
];

interface Lab extends Contexts {
  readonly registry: string;
  readonly requests: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly tracing: TraceContext;
  readonly creating: CreateContext;
  run(...argv: Argv): Promise<string>;
}

/** A registry of ours, and npm configured for it, with a cache of its own. */
async function lab(t: TestContext): Promise<Lab> {
  const all = contexts(t);
  const folder = join(all.folder, 'registry');
  mkdirSync(folder);
  const served = await npmRegistry(folder, packages);
  t.after(async () => await served[Symbol.asyncDispose]());
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(all.folder, 'home'),
    npm_config_registry: `${served.url}/`,
    npm_config_cache: join(all.folder, 'cache'),
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
    npm_config_dangerously_allow_all_scripts: 'true',
  };
  const settings = (name: string) =>
    name === 'npm' ? { registry: `${served.url}/`, cache: join(all.folder, 'no-cache') } : {};
  return {
    ...all,
    registry: `${served.url}/`,
    requests: served.requests,
    env,
    tracing: { ...all.tracing, settings, ran: { env, directory: '/', programs: [] } },
    creating: {
      ...all.creating,
      settings,
      fetch: async (wanted) => await fetchAll(wanted, { ...all.tracing, work: join(all.folder, 'fetch') }),
    },
    async run(...argv) {
      return (await runProcess(argv, { env, cwd: join(all.folder, 'study') })).stdout.toString('utf8');
    },
  };
}

async function described(at: Lab, top: string, paths: readonly string[], tracing: TraceContext = at.tracing) {
  await using root = localRoot('/');
  const owned = await npm.claim(
    paths.map((path) => join(top, path)),
    root,
    tracing,
  );
  assert.equal(owned.size, paths.length);
  const { distributions, notes, leads } = await npm.describe(owned, root, tracing);
  const [first] = distributions;
  assert.ok(first !== undefined && distributions.length === 1);
  const spec = parse(npm.schema, JSON.parse(JSON.stringify(first.spec)));
  const lock = parse(npm.lockSchema, {
    of: `sha256:${'0'.repeat(64)}`,
    ...(JSON.parse(JSON.stringify(first.lock)) as object),
  });
  return { spec, lock, notes, leads, standsOn: first.standsOn };
}

/** Makes it again below a folder; what is there of it, as `verify` sees it. */
async function created(at: Lab, spec: NpmSpec, lock: NpmLock, name: string) {
  const wanted = await npm.wanted(spec, lock, at.creating);
  const obtained = await at.creating.fetch(wanted);
  assert.deepEqual(obtained.missing, []);
  const prepared = await npm.prepare?.(spec, lock, at.creating);
  assert.ok(prepared !== undefined);
  assert.deepEqual(prepared.missing, []);
  const target = join(at.folder, name);
  mkdirSync(target);
  await unpackSteps(npm.plan(spec, lock, prepared.made), target, at.store);
  return { target, root: localRoot(target), from: obtained.from };
}

async function checked(spec: NpmSpec, lock: NpmLock, root: ReturnType<typeof localRoot>, at: Lab) {
  const { differing } = (await npm.check?.(spec, lock, root, at.tracing)) ?? { differing: [] };
  return differing.map(({ path, kind }) => [path.slice(spec.path.length + 1), kind]);
}

test('a tree of npm comes back from tarballs, with what was built and changed', async (t) => {
  const at = await lab(t);
  const top = join(at.folder, 'study');
  mkdirSync(join(top, 'packages/w'), { recursive: true });
  writeFileSync(join(top, 'packages/w/package.json'), '{"name":"w","version":"1.0.0","dependencies":{"pad":"1.0.0"}}');
  writeFileSync(join(top, 'packages/w/index.js'), 'module.exports = `w ${require("pad")}`;\n');
  writeFileSync(
    join(top, 'package.json'),
    JSON.stringify({
      name: 'study',
      workspaces: ['packages/*'],
      dependencies: { pad: '^2.0.0', '@lab/tool': '3.1.0', carrier: '*', built: '*' },
    }),
  );
  await at.run('npm', 'install', '--no-fund', '--foreground-scripts');
  assert.ok(existsSync(join(top, 'node_modules/built/made.js')));
  appendFileSync(join(top, 'node_modules/pad/index.js'), '// changed\n');
  mkdirSync(join(top, 'node_modules/.cache/x'), { recursive: true });
  writeFileSync(join(top, 'node_modules/.cache/x/y'), 'remembered');

  const used = ['node_modules/.bin/tool', 'node_modules/pad/index.js', 'packages/w/node_modules/pad/index.js'];
  const before = at.requests.length;
  const { spec, lock, notes, leads, standsOn } = await described(at, top, used);
  assert.equal(at.requests.length, before, "npm's cache has all of it");
  assert.deepEqual(notes, []);
  assert.equal(standsOn, join(process.execPath));
  assert.deepEqual(leads, [join(top, 'packages/w/package.json')]);
  assert.deepEqual(spec, {
    type: 'npm',
    path: top,
    registry: at.registry,
    packages: ['@lab/tool@3.1.0', 'built@1.0.0', 'carrier@1.0.0', 'pad@2.0.0'],
  });
  assert.deepEqual(
    lock.packages.map(({ path, version, bundled, link, repacked, scripts, sha256 }) =>
      [path, version, bundled ?? link ?? repacked ?? scripts ?? '', sha256 !== undefined].join(' '),
    ),
    [
      'node_modules/@lab/tool 3.1.0  true',
      'node_modules/@lab/tool/node_modules/pad 1.0.0  true',
      'node_modules/built 1.0.0 true true',
      'node_modules/carrier 1.0.0  true',
      'node_modules/carrier/node_modules/inner 1.0.0 true false',
      'node_modules/pad 2.0.0  true',
      `node_modules/w 1.0.0 ${top}/packages/w false`,
      'packages/w/node_modules/pad 1.0.0  true',
    ],
  );

  rmSync(join(at.folder, 'cache'), { recursive: true });
  const { target, root, from } = await created(at, spec, lock, 'made');
  assert.deepEqual(from, { stored: 2, registry: 5 });
  const made = join(target, top);
  assert.equal(readFileSync(join(made, 'node_modules/built/made.js'), 'utf8'), 'module.exports = 42;\n');
  assert.match(readFileSync(join(made, 'node_modules/pad/index.js'), 'utf8'), /changed/);
  assert.ok(!existsSync(join(made, 'node_modules/.cache')));
  assert.deepEqual(await checked(spec, lock, root, at), []);
  assert.deepEqual(
    (await npm.observe(spec, root, at.tracing)).packages.map(({ key, version }) => [key, version]),
    npm.packages(spec, lock).map(({ key, version }) => [key, version]),
  );
  await runProcess([
    'diff',
    '--recursive',
    '--no-dereference',
    '--exclude=.cache',
    join(top, 'node_modules'),
    join(made, 'node_modules'),
  ]);

  appendFileSync(join(made, 'node_modules/carrier/node_modules/inner/index.js'), '// planted\n');
  chmodSync(join(made, 'node_modules/@lab/tool/cli.js'), 0o600);
  rmSync(join(made, 'node_modules/.bin/tool'));
  writeFileSync(join(made, 'packages/w/node_modules/pad/more.js'), '');
  mkdirSync(join(made, 'node_modules/.cache'));
  writeFileSync(join(made, 'node_modules/.cache/remembered'), '');
  assert.deepEqual(await checked(spec, lock, root, at), [
    ['node_modules/.bin/tool', 'missing'],
    ['node_modules/@lab/tool/cli.js', 'mode'],
    ['node_modules/carrier/node_modules/inner/index.js', 'changed'],
    ['packages/w/node_modules/pad/more.js', 'unknown'],
  ]);
});

test('what no cache and no registry has is repacked', async (t) => {
  const at = await lab(t);
  const top = join(at.folder, 'study');
  mkdirSync(top);
  writeFileSync(join(top, 'package.json'), JSON.stringify({ dependencies: { pad: '^2.0.0' } }));
  await at.run('npm', 'install', '--no-fund');
  rmSync(join(at.folder, 'cache'), { recursive: true });
  const quiet = { ...at.tracing, settings: () => ({ download: 0 }) };
  const { spec, lock } = await described(at, top, ['node_modules/pad/index.js'], quiet);
  assert.deepEqual(
    lock.packages.map(({ repacked, sha256 }) => [repacked, sha256]),
    [[true, undefined]],
  );
  assert.deepEqual(npm.contents(spec, lock).archived, []);
  const { root } = await created(at, spec, lock, 'made');
  assert.deepEqual(await checked(spec, lock, root, at), []);
  // one download tells for sure
  const asked = await described(at, top, ['node_modules/pad/index.js']);
  assert.equal(asked.lock.packages[0]?.repacked, undefined);
  assert.equal(asked.lock.packages[0]?.size, statSync(join(at.folder, 'registry/pad/-/pad-2.0.0.tgz')).size);
});

test('the password of an address in a lock file is nowhere, and that is said', async (t) => {
  const at = await lab(t);
  const top = join(at.folder, 'study');
  mkdirSync(top);
  writeFileSync(join(top, 'package.json'), JSON.stringify({ dependencies: { pad: '^2.0.0' } }));
  await at.run('npm', 'install', '--no-fund');
  const hidden = join(top, 'node_modules/.package-lock.json');
  const text = readFileSync(hidden, 'utf8');
  writeFileSync(hidden, text.replace('"resolved": "http://', '"resolved": "http://me:pa55word@'));
  const { spec, lock, notes } = await described(at, top, ['node_modules/pad/index.js']);
  assert.doesNotMatch(JSON.stringify([spec, lock, notes]), /pa55word/);
  assert.match(
    notes.map((one) => one.text).join('\n'),
    /^node_modules\/\.package-lock\.json in .* it is kept without$/m,
  );
  const { target, root } = await created(at, spec, lock, 'made');
  assert.equal(readFileSync(join(target, hidden), 'utf8'), text);
  assert.deepEqual(await checked(spec, lock, root, at), []);
  assert.deepEqual(await checked(spec, lock, localRoot('/'), at), []);
});

test('wishes are resolved by npm, and laid by us as npm lays them', async (t) => {
  const at = await lab(t);
  const top = join(at.folder, 'study');
  const wish = parse(npm.schema, {
    type: 'npm',
    path: top,
    registry: at.registry,
    packages: ['@lab/tool', 'pad@2', 'carrier', 'built'],
  });
  const fresh = await npm.resolve?.(wish, undefined, at.creating, []);
  const lock = parse(npm.lockSchema, { of: `sha256:${'0'.repeat(64)}`, ...fresh });
  assert.equal(lock.packages.length, 6);
  assert.ok(lock.packages.every(({ sha256, bundled }) => bundled === true || sha256 !== undefined));
  assert.match(
    npm.plan(wish, lock, { tree: { sha256: '', size: 0 } })[0]?.because ?? '',
    /scripts of built are not run/,
  );
  const { target, root } = await created(at, wish, lock, 'made');
  const made = join(target, top);
  const said = await runProcess([join(made, 'node_modules/.bin/tool')], { env: at.env });
  assert.equal(said.stdout.toString(), 'tool 1\n');
  assert.deepEqual(await checked(wish, lock, root, at), []);
  appendFileSync(join(made, 'node_modules/pad/index.js'), '// planted\n');
  assert.deepEqual(await checked(wish, lock, root, at), [['node_modules/pad/index.js', 'changed']]);

  // npm agrees, but for what its scripts make
  mkdirSync(top);
  writeFileSync(
    join(top, 'package.json'),
    JSON.stringify({ dependencies: { '@lab/tool': '*', pad: '2', carrier: '*', built: '*' } }),
  );
  await at.run('npm', 'install', '--no-fund', '--ignore-scripts');
  rmSync(target, { recursive: true });
  const again = await created(at, wish, lock, 'again');
  const exclude = '--exclude=.package-lock.json';
  await runProcess([
    'diff',
    '--recursive',
    '--no-dereference',
    exclude,
    join(top, 'node_modules'),
    join(again.target, top, 'node_modules'),
  ]);
  for (const file of ['@lab/tool/cli.js', 'pad/index.js', '.package-lock.json']) {
    const mode = (folder: string) => statSync(join(folder, 'node_modules', file)).mode & 0o777;
    assert.equal(mode(join(again.target, top)), mode(top), file);
  }

  // what is held stays, what is renewed moves
  const edited = npm.edit?.(wish, { install: ['pad@>=1'], uninstall: ['built'] });
  assert.deepEqual(edited?.packages, ['@lab/tool', 'carrier', 'pad@>=1']);
  const next = await npm.resolve?.(edited ?? wish, lock, at.creating, []);
  assert.deepEqual(
    next?.packages.map(({ path, version }) => `${path}@${version}`),
    [
      'node_modules/@lab/tool@3.1.0',
      'node_modules/@lab/tool/node_modules/pad@1.0.0',
      'node_modules/carrier@1.0.0',
      'node_modules/carrier/node_modules/inner@1.0.0',
      'node_modules/pad@2.0.0',
    ],
  );
  const steps = npm.change?.(
    { spec: wish, lock, made: {} },
    { spec: edited ?? wish, lock: { ...lock, ...next }, made: { tree: { sha256: 'x', size: 1 } } },
  );
  assert.deepEqual(
    steps?.map((step) => [step.do, 'path' in step ? step.path : '']),
    [
      ['remove', join(top, 'node_modules')],
      ['unpack', ''],
    ],
  );
  await assert.rejects(
    async () => await npm.resolve?.({ ...wish, packages: ['pad@9'] }, undefined, at.creating, []),
    /no set of packages for pad@9/,
  );
});

test('a project’s own lock file is what it wishes for', async (t) => {
  const at = await lab(t);
  const top = join(at.folder, 'study');
  mkdirSync(top);
  const write = (dependencies: Readonly<Record<string, string>>) =>
    writeFileSync(join(top, 'package.json'), JSON.stringify({ dependencies, scripts: { preinstall: 'false' } }));
  write({ pad: '1', '@lab/tool': '' });
  await at.run('npm', 'install', '--no-fund', '--ignore-scripts', '--package-lock-only');
  write({ pad: '>=1', '@lab/tool': '' });
  const wish = parse(npm.schema, { type: 'npm', path: top, registry: at.registry });
  const fresh = await npm.resolve?.(wish, undefined, at.creating, []);
  assert.ok(fresh !== undefined);
  assert.deepEqual(
    fresh.packages.map(({ path, version }) => `${path}@${version}`),
    ['node_modules/@lab/tool@3.1.0', 'node_modules/pad@1.0.0'],
  );
  assert.throws(() => npm.edit?.(wish, { install: ['carrier'] }), /are those of its package\.json/);
  write({ pad: 'git+https://git.example.org/pad.git' });
  await assert.rejects(async () => await npm.resolve?.(wish, undefined, at.creating, []), /is no package of npm/);
  rmSync(join(top, 'package.json'));
  await assert.rejects(
    async () => await npm.resolve?.(wish, undefined, at.creating, []),
    /has no package\.json on this/,
  );
});

test('a global tree has its commands', async (t) => {
  const at = await lab(t);
  const prefix = join(at.folder, 'prefix');
  mkdirSync(join(at.folder, 'study'));
  await at.run('npm', 'install', '--global', `--prefix=${prefix}`, '@lab/tool', 'pad');
  const { spec, lock } = await described(at, prefix, ['bin/tool', 'lib/node_modules/@lab/tool/cli.js']);
  assert.deepEqual(spec, {
    type: 'npm',
    path: prefix,
    global: true,
    registry: at.registry,
    packages: ['@lab/tool@3.1.0', 'pad@2.0.0'],
  });
  assert.deepEqual(lock.bins, ['bin/tool']);
  assert.deepEqual(
    lock.packages.map(({ path, sha256 }) => [path, sha256 !== undefined]),
    [
      ['lib/node_modules/@lab/tool', true],
      ['lib/node_modules/@lab/tool/node_modules/pad', true],
      ['lib/node_modules/pad', true],
    ],
  );
  assert.deepEqual(npm.activate?.(spec, lock), [{ do: 'prepend', name: 'PATH', value: join(prefix, 'bin') }]);
  const one = await created(at, spec, lock, 'made');
  await runProcess(['diff', '--recursive', '--no-dereference', prefix, join(one.target, prefix)]);

  const loose = { ...spec, packages: ['@lab/tool', 'pad'] };
  const resolved = await npm.resolve?.(loose, undefined, at.creating, []);
  const laid = parse(npm.lockSchema, { of: `sha256:${'0'.repeat(64)}`, ...resolved });
  assert.deepEqual(laid.bins, lock.bins);
  const other = await created(at, loose, laid, 'laid');
  await runProcess(['diff', '--recursive', '--no-dereference', prefix, join(other.target, prefix)]);
});
