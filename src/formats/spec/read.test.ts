import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fakeDistributions as distributions } from '../../../test/fakes/distributions.ts';
import { wholeSpec } from '../../../test/fakes/spec-text.ts';
import { UserError } from '../../model/index.ts';
import { readSpec, type ReadResult } from './read.ts';

function read(text: string | Uint8Array): ReadResult {
  return readSpec(text, { file: 'env.yaml', distributions });
}

/** Every fault as a line, the first with its hint. */
function faults(text: string | Uint8Array): readonly string[] {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.status, 2);
    return [error.hint === undefined ? error.message : `${error.message} (${error.hint})`, ...error.details];
  }
  return [];
}

test('a whole spec reads without a word', () => {
  const { spec, warnings } = read(wholeSpec);
  assert.deepEqual(warnings, []);
  assert.deepEqual(spec.runs?.[0]?.command, ['./run', 'two words']);
  assert.equal(spec.environment?.['LC_ALL'], 'C.UTF-8');
  assert.deepEqual(
    spec.distributions.map(({ type }) => type),
    ['debian', 'venv', 'git', 'prefix'],
  );
});

test('scalars are typed by the schema, not by their look', () => {
  const commit = '1234567890'.repeat(4);
  const { spec } = read(
    `repronim: 1\ndistributions:\n- {type: git, path: /a, commit: ${commit}, changes: 007}\nenvironment: {A: yes, B: 1.10, C: "", D: }\nrunz: 3\n`.replace(
      'runz',
      'x-mine',
    ),
  );
  const [git] = spec.distributions as unknown as readonly Record<string, unknown>[];
  assert.equal(git?.['commit'], commit);
  assert.equal(git?.['changes'], 7);
  assert.deepEqual(spec.environment, { A: 'yes', B: '1.10', C: '', D: '' });
  assert.equal((spec as unknown as Record<string, unknown>)['x-mine'], '3');
});

test('all faults at once, each where it is', () => {
  const bad = wholeSpec
    .replace('release: bookworm', 'release: bookwurm')
    .replace('path: /opt/scaler/1.2', 'path: ../opt')
    .replace('changes: 2', 'changes: some')
    .replace('type: venv', 'type: vemv')
    .replace('/home/u/.config', 'u/.config');
  assert.deepEqual(faults(bad), [
    'env.yaml:13:12: unknown release "bookwurm" of debian (did you mean bookworm? known: bullseye, bookworm, trixie, forky, sid)',
    'env.yaml:25:9: unknown type of distribution "vemv" (did you mean venv? known: debian, venv, git, prefix)',
    'env.yaml:35:12: changes of git: expected a whole number, not "some"',
    'env.yaml:37:9: path of prefix: expected an absolute path without . or .. in it, not "../opt"',
    'env.yaml:39:3: item of files: expected an absolute path without . or .. in it, not "u/.config/study.ini"',
  ]);
});

test('what a plug-in says in two lines is a message and a hint', () => {
  assert.deepEqual(faults('repronim: 1\ndistributions: [{type: git}]\n'), ['env.yaml:2:17: git has no "path"']);
  assert.deepEqual(faults('repronim: 1\n'), ['env.yaml:1:1: the file has no "distributions"']);
});

test('an unknown key is a warning and kept, a misspelt one an error', () => {
  const { spec, warnings } = read(wholeSpec.replace('changes: 2', 'note: mine'));
  assert.deepEqual(
    warnings.map(({ line, column, message }) => [line, column, message]),
    [[35, 3, 'unknown key "note" of git is kept as it is']],
  );
  assert.equal((spec.distributions[2] as unknown as Record<string, unknown>)['note'], 'mine');
  assert.deepEqual(faults(wholeSpec.replace('  packages:\n  - nil', '  pakages:\n  - nil')), [
    'env.yaml:29:3: unknown key "pakages" of venv (did you mean packages? known: type, id, base, path, interpreter, packages)',
  ]);
  assert.deepEqual(faults(wholeSpec.replace('environment:', 'enviroment:')), [
    'env.yaml:8:1: unknown key "enviroment" of the file (did you mean environment? known: repronim, from, runs, environment, distributions, customize, files, lock)',
  ]);
});

test('ids, bases and locks must lead somewhere', () => {
  const two = 'repronim: 1\ndistributions:\n- {type: prefix, path: /a}\n- {type: prefix, path: /b}\n';
  assert.deepEqual(
    faults(two).map((line) => line.replace(/ \(.*/, '')),
    [
      'env.yaml:3:10: type prefix comes more than once: each needs an id',
      'env.yaml:4:10: type prefix comes more than once: each needs an id',
    ],
  );
  const ids = two.replace('path: /a', 'id: x, base: y, path: /a').replace('path: /b', 'id: y, base: x, path: /b');
  assert.deepEqual(faults(ids), [
    'env.yaml:3:31: "x" stands on itself by its base',
    'env.yaml:4:31: "y" stands on itself by its base',
  ]);
  assert.deepEqual(faults(ids.replace('base: y', 'base: z').replace('base: x', 'base: debian')), [
    'env.yaml:3:31: base "z" is no distribution of this file (did you mean x? known: x, y)',
    'env.yaml:4:31: base "debian" is no distribution of this file (known: x, y)',
  ]);
  assert.deepEqual(
    faults(ids.replace('id: y', 'id: x'))[0],
    'env.yaml:3:31: base "y" is no distribution of this file (did you mean x? known: x)',
  );
  const lock = 'lock:\n  distributions: {debain: {of: sha256:1}}\n  runs: {run: {of: sha256:1}}\n';
  const lines = faults(`${two.replace('- {type: prefix, path: /b}\n', '')}${lock}`);
  assert.equal(lines[0], 'env.yaml:5:19: lock of "debain", which is no distribution of this file (known: prefix)');
  assert.ok(lines.some((line) => line.startsWith('env.yaml:6:15: lock of run has no "as"')));
});

test('what YAML has and a spec has not', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['repronim: &a 1\ndistributions: []\n', '1:14: anchors are not used'],
    ['repronim: 1\ndistributions: *a\n', '2:16: aliases are not used'],
    ['repronim: !!int 1\ndistributions: []\n', '1:17: tags are not used'],
    ['repronim: 1\n<<: {a: b}\ndistributions: []\n', '2:1: "<<" can\'t be a key'],
    ['repronim: 1\n__proto__: {a: b}\ndistributions: []\n', '2:1: "__proto__" can\'t be a key'],
    ['repronim: 1\n? [a]\n: 3\ndistributions: []\n', '2:3: a key must be a text'],
    ['repronim: 1\nfiles: []\nfiles: []\ndistributions: []\n', '3:1: key "files" comes twice (first in line 2)'],
    ['%YAML 1.1\n---\nrepronim: 1\n', '1:1: directives are not used'],
    ['repronim: 1\n---\nrepronim: 1\n', '2:1: one file holds one document'],
    ['repronim: 1\ndistributions: [\n', '3:1: '],
    ['repronim: 1\n\tfiles: []\n', '2:1: '],
    ['repronim: 2\n', '1:11: unknown version "2" of the format; known: 1 (a newer repronim may know it)'],
    ['- a\n', '1:1: not a spec'],
    ['', '1:1: the file is empty'],
    ['just words\n', '1:1: not a spec'],
    ['repronim: 1\nfiles: ["\\0"]\ndistributions: []\n', '2:9: must not contain NUL'],
    ['repronim: 1\nfiles: [a\0]\n', '2:10: character U+0000 must be written as an escape'],
    ['['.repeat(100_000), '1:'],
    [`repronim: 1\na: ${'['.repeat(40)}${']'.repeat(40)}\n`, '2:36: nested too deeply'],
  ];
  for (const [text, expected] of cases) {
    const lines = faults(text);
    assert.ok(
      lines.some((line) => line.startsWith(`env.yaml:${expected}`)),
      `${JSON.stringify(text.slice(0, 60))}: ${lines[0]}`,
    );
  }
});

test('bytes that are not UTF-8 are told where they are', () => {
  const bytes = Buffer.concat([Buffer.from('repronim: 1\nfiles: [/a'), Buffer.of(0xff), Buffer.from(']\n')]);
  assert.ok(faults(bytes)[0]?.startsWith('env.yaml:2:11: not UTF-8'));
  assert.deepEqual(read(Buffer.from(wholeSpec)).spec, read(wholeSpec).spec);
  assert.deepEqual(read(`\ufeff${wholeSpec}`).spec, read(wholeSpec).spec);
  assert.deepEqual(read(wholeSpec.replaceAll('\n', '\r\n')).spec, read(wholeSpec).spec);
});

test('odd bytes in names come as escapes', () => {
  const { spec } = read('repronim: 1\ndistributions: []\nfiles: ["/a/\\udcff\\udc80b"]\n');
  assert.deepEqual(spec.files, ['/a/\udcff\udc80b']);
});
