import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { openHouse } from '../index.ts';
import { sha256 } from '../model/index.ts';
import { ownPart } from './load/derive.ts';
import { load } from './load.ts';

function folderOf(t: TestContext, files: Readonly<Record<string, string>>) {
  const top = mkdtempSync(join(tmpdir(), 'repronim-load-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const folder = join(top, 'study');
  mkdirSync(join(folder, 'bases'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const house = openHouse({ env: { REPRONIM_HOME: join(top, 'home') } });
  return { folder, top, read: async (name: string) => await load(join(folder, name), house) };
}

const base = `repronim: 1
environment: {A: base, B: base}
distributions:
- type: debian
  release: bookworm
- {type: prefix, id: tool, path: /opt/tool}
customize:
- run: [touch, /one]
files: [/etc/a]
`;

test('a spec on top of another one: what it names replaces, the rest is added', async (t) => {
  const { read } = folderOf(t, {
    'bases/base.yaml': base,
    'study.yaml': `repronim: 1
from: bases/base.yaml
environment: {B: mine}
distributions:
- {type: prefix, id: tool, path: /opt/other, base: debian}
- {type: prefix, id: more, path: /opt/more}
customize:
- run: [touch, /two]
`,
  });
  const { spec, derived } = await read('study.yaml');
  assert.deepEqual(
    spec.distributions.map((entry) => (entry as { path?: string }).path ?? entry.type),
    ['debian', '/opt/other', '/opt/more'],
  );
  assert.deepEqual(spec.environment, { A: 'base', B: 'mine' });
  assert.deepEqual(spec.customize, [{ run: ['touch', '/one'] }, { run: ['touch', '/two'] }]);
  assert.deepEqual(spec.files, ['/etc/a']);
  assert.equal(spec.from, undefined);
  assert.match(spec.lock?.from ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.ok(derived !== undefined);
  const own = ownPart(spec, derived.own, derived.base);
  assert.deepEqual(
    own.distributions.map(({ id }) => id),
    ['tool', 'more'],
  );
  assert.equal(own.from, 'bases/base.yaml');
});

test('nothing outside of the folder, no circles, no towers', async (t) => {
  const on = (name: string) => `repronim: 1\nfrom: ${name}\ndistributions: []\n`;
  const tower = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`t${at}.yaml`, on(`t${at + 1}.yaml`)]));
  const { folder, top, read } = folderOf(t, {
    ...tower,
    'up.yaml': on('../base.yaml'),
    'absolute.yaml': on('/etc/passwd'),
    'gone.yaml': on('none.yaml'),
    'link.yaml': on('out.yaml'),
    'a.yaml': on('b.yaml'),
    'b.yaml': on('a.yaml'),
    'script.yaml': on('script.sh'),
    'script.sh': '#!/bin/sh\n',
    'lost.yaml': on('bases/base.yaml').replace('[]', '[{type: git, path: /opt/x, base: debain}]'),
    'bases/base.yaml': base,
  });
  writeFileSync(join(top, 'base.yaml'), base);
  symlinkSync('../base.yaml', join(folder, 'out.yaml'));
  const refused: Readonly<Record<string, RegExp>> = {
    up: /expected a path below the folder/,
    absolute: /expected a path below the folder/,
    gone: /is on top of none\.yaml, which is not there/,
    link: /leads out of the folder/,
    a: /is on top of itself/,
    t0: /more than 8 specs on top of each other/,
    script: /is not a spec/,
    lost: /base "debain" is no distribution of this file/,
  };
  for (const [name, message] of Object.entries(refused)) {
    await assert.rejects(read(`${name}.yaml`), (error: Error & { status?: number }) => {
      assert.match(error.message, message);
      return error.status === 2;
    });
  }
});

test('what customize puts somewhere is known by its content from when it is read', async (t) => {
  const spec = (more: string) =>
    `repronim: 1\ndistributions: [{type: debian}]\ncustomize:\n- file: {path: /etc/x, source: x${more}}\n`;
  const { folder, top, read } = folderOf(t, { x: 'content', 'study.yaml': spec(''), 'out.yaml': spec('-out') });
  const { spec: found, text } = await read('study.yaml');
  assert.deepEqual(found.customize?.[0]?.file, { path: '/etc/x', source: 'x', size: 7, sha256: sha256('content') });
  assert.equal(text, spec(''), 'the file itself stays as it is');
  writeFileSync(join(folder, 'study.yaml'), spec(`, size: 7, sha256: ${sha256('content')}`));
  assert.deepEqual((await read('study.yaml')).spec.customize, found.customize);
  rmSync(join(folder, 'x'));
  assert.deepEqual((await read('study.yaml')).spec.customize, found.customize, 'the store has it');
  writeFileSync(join(folder, 'x'), 'another');
  await assert.rejects(read('study.yaml'), /x is another than when the spec was locked/);
  writeFileSync(join(top, 'secret'), '');
  symlinkSync('../secret', join(folder, 'x-out'));
  await assert.rejects(read('out.yaml'), /leads out of the folder/);
});

test('a step of customize is one thing, and says so', async (t) => {
  const { read } = folderOf(t, {
    'bad.yaml': `repronim: 1
distributions: [{type: debian}]
customize:
- {run: [true], file: {path: /x, content: x}}
- run: []
- file: {path: /x}
- file: {path: ../x, content: x}
- run: touch /x
`,
  });
  await assert.rejects(read('bad.yaml'), (error: Error & { details?: readonly string[] }) => {
    const all = [error.message, ...(error.details ?? [])].join('\n');
    for (const part of [
      'either run or file',
      'a program and its arguments',
      'either content or source',
      'an absolute path',
      'a list',
    ]) {
      assert.ok(all.includes(part), `${part}: ${all}`);
    }
    return true;
  });
});
