/** Programs for Node over their node_modules: by real npm, there again on chroot and docker, and wished for. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { parse } from 'yaml';

import type { NpmLock } from '../../src/distributions/npm/spec.ts';
import type { Spec } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { npmRegistry } from '../fakes/npm-registry.ts';
import type { Served } from '../fakes/serve.ts';
import { withDockerd } from './dockerd.ts';
import { need, scratch } from './need.ts';
import { myself, type } from './person.ts';

const state = scratch('npm');
// neither below /dev nor /tmp: where people work
const place = mkdtempSync('/srv/repronim-npm-');
const study = join(place, 'study');
const ends: (() => Promise<void>)[] = [];
let registry: Served;
const me = () => {
  const { env, ...person } = myself(join(state, 'home'));
  const npm = { npm_config_registry: `${registry.url}/`, npm_config_cache: join(state, 'cache') };
  return { ...person, env: { ...env, ...npm, PATH: `/usr/bin:/bin:${env['PATH'] ?? ''}` } };
};
const types = async (...words: string[]) => await type(me(), words, { directory: study });

const packages = [
  { manifest: { name: 'pad', version: '1.0.0' }, files: { 'index.js': 'module.exports = (x) => ` ${x}`;\n' } },
  { manifest: { name: 'pad', version: '2.0.0' }, files: { 'index.js': 'module.exports = (x) => `  ${x}`;\n' } },
  {
    manifest: { name: '@lab/tool', version: '3.1.0', bin: { tool: 'cli.js' }, dependencies: { pad: '^1.0.0' } },
    files: {
      'cli.js': '#!/usr/bin/env node\nconsole.log(require("./index.js")("tool"));\n',
      'index.js': 'module.exports = require("pad");\n',
      'unused.js': 'module.exports = 0;\n',
    },
  },
  {
    manifest: { name: 'built', version: '1.0.0', scripts: { postinstall: 'node build.js' } },
    files: { 'build.js': 'require("fs").writeFileSync("index.js", "module.exports = 42;\\n");\n' },
  },
];

before(async () => {
  await need('nodejs');
  const folder = join(state, 'registry');
  mkdirSync(folder);
  registry = await npmRegistry(folder, packages);
  ends.push(async () => await registry[Symbol.asyncDispose]());
  const files: Readonly<Record<string, string>> = {
    'package.json': JSON.stringify({
      name: 'study',
      workspaces: ['packages/*'],
      dependencies: { pad: '2', '@lab/tool': '3', built: '1' },
    }),
    'packages/w/package.json': '{"name":"w","version":"1.0.0","dependencies":{"pad":"1.0.0"}}',
    'packages/w/index.js': 'module.exports = require("pad")("w");\n',
    'run.js': `const said = [require('pad')('x'), require('@lab/tool')('y'), require('w'), require('built')];
require('fs').writeFileSync('out.txt', said.join('|'));
console.log(require('child_process').execFileSync('node_modules/.bin/tool').toString());
`,
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(study, path)), { recursive: true });
    writeFileSync(join(study, path), content);
  }
  const install = ['npm', 'install', '--no-fund', '--no-audit', '--dangerously-allow-all-scripts'] as const;
  await runProcess(install, { env: me().env, cwd: study });
});
after(async () => {
  await types('delete', '--yes', '--all').catch(() => {});
  for (const end of ends) await end();
  rmSync(place, { recursive: true, force: true });
});

test('a script over node_modules: reproduced on chroot and docker; what is changed is found', async (t) => {
  const bundle = join(state, 'study.repronim');
  const reproduce = ['reproduce', '--backend', 'chroot', '--name', 'one', '-o', bundle] as const;
  const first = await types(...reproduce, '--', 'node', 'run.js');
  assert.equal(first.status, 0, first.stdout + first.stderr);
  assert.match(first.stdout + first.stderr, /4 from npm's cache/);
  assert.equal(readFileSync(join(study, 'out.txt'), 'utf8'), '  x| y| w|42');

  const planted = `const fs = require('fs');
fs.appendFileSync('node_modules/@lab/tool/unused.js', '// planted');
fs.rmSync('node_modules/built/index.js');
fs.chmodSync('packages/w/node_modules/pad/index.js', 0o600);
fs.writeFileSync('node_modules/pad/more.js', '');`;
  const sound = await types('verify', 'one');
  assert.equal(sound.status, 0, sound.stdout + sound.stderr);
  assert.equal((await types('exec', 'one', '--', 'node', '-e', planted)).status, 0);
  const said = await types('verify', '--json', 'one');
  assert.equal(said.status, 3, said.stdout + said.stderr);
  const { levels } = JSON.parse(said.stdout) as {
    levels: { contents: { differing: readonly { path: string; kind: string }[] } };
  };
  assert.deepEqual(
    levels.contents.differing.map(({ path, kind }) => [path.slice(study.length + 1), kind]),
    [
      ['node_modules/@lab/tool/unused.js', 'changed'],
      ['node_modules/built/index.js', 'missing'],
      ['node_modules/pad/more.js', 'unknown'],
      ['packages/w/node_modules/pad/index.js', 'mode'],
    ],
  );

  const host = await withDockerd({ after: (end) => ends.push(end) });
  const there = await types('reproduce', '--backend', 'docker', '--set', `host=${host}`, '--name', 'two', bundle);
  t.diagnostic(there.stdout + there.stderr);
  assert.equal(there.status, 0, there.stdout + there.stderr);
});

test('a wish is resolved, made and verified', async () => {
  const file = join(study, 'wish.yaml');
  writeFileSync(
    file,
    `repronim: 1
distributions:
- type: debian
  release: bookworm
  packages: [nodejs]
- type: npm
  path: /opt/app
  registry: ${registry.url}/
  packages: ["@lab/tool@^3", pad]
`,
  );
  const resolved = await types('resolve', file);
  assert.equal(resolved.status, 0, resolved.stderr);
  const spec = parse(readFileSync(file, 'utf8')) as Spec;
  const lock = spec.lock?.distributions?.['npm'] as unknown as NpmLock;
  assert.deepEqual(
    lock.packages.map(({ path, version }) => `${path} ${version}`),
    ['node_modules/@lab/tool 3.1.0', 'node_modules/@lab/tool/node_modules/pad 1.0.0', 'node_modules/pad 2.0.0'],
  );
  const created = await types('create', '--backend', 'chroot', 'wish', file);
  assert.equal(created.status, 0, created.stderr);
  const ran = await types('exec', 'wish', '--', '/opt/app/node_modules/.bin/tool');
  assert.equal(ran.stdout, ' tool\n');
  const verified = await types('verify', 'wish');
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  const text = readFileSync(file, 'utf8');
  assert.equal((await types('resolve', file)).status, 0);
  assert.equal(readFileSync(file, 'utf8'), text);
});
