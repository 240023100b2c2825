import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Ajv } from 'ajv';
import { parse } from 'yaml';

import { specJsonSchema } from '../scripts/spec-schema.ts';
import { distributions } from '../src/distributions/index.ts';

const committed = readFileSync(new URL('../schema/spec-1.json', import.meta.url), 'utf8');
const page = readFileSync(new URL('../docs/spec.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
const validate = new Ajv({ allErrors: true, strict: false }).compile(specJsonSchema(distributions));

test('the published JSON Schema is what the schemas say: else run node scripts/schema.ts', () => {
  assert.equal(committed, `${JSON.stringify(specJsonSchema(distributions), undefined, 2)}\n`);
});

test('it lets the examples in, also where a reader types scalars by their look', () => {
  assert.equal(examples.length, 3);
  for (const text of examples) {
    for (const version of ['1.1', '1.2'] as const) {
      assert.ok(validate(parse(text, { version })), JSON.stringify(validate.errors, undefined, 1));
    }
  }
});

test('it keeps out what readers refuse', () => {
  const [loose = '', traced = ''] = examples;
  for (const text of [
    loose.replace('type: debian', 'type: debain'),
    loose.replace('path: /work/study', 'path: ../study'),
    loose.replace('repronim: 1', 'repronim: 2'),
    traced.replace(/of: sha256:[0-9a-f]{64}/, 'of: sha256:1'),
    traced.replace('command: [./run, two words]', 'command: ./run'),
    traced.replace('uid: 1000', 'uid: me'),
    traced.replace('uri: https:', 'uri: file:'),
    traced.replace('changes: 2', 'changes: some'),
  ]) {
    assert.ok(text !== loose && text !== traced);
    assert.equal(validate(parse(text)), false, text.slice(0, 600));
  }
});

test('no schema fills anything in: a value that nobody wrote would be in the digest of its entry', () => {
  assert.ok(!committed.includes('"default":'));
});
