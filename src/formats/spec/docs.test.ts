import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { distributions } from '../../distributions/index.ts';
import { exactness, lockState, refuseStale } from './lock.ts';
import { readSpec } from './read.ts';
import { shapeOf } from './shape.ts';
import { writeSpec } from './write.ts';

const page = readFileSync(new URL('../../../docs/spec.md', import.meta.url), 'utf8');
const types = readFileSync(new URL('../../../docs/distributions.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
const read = (text: string) => readSpec(text, { file: 'docs/spec.md', distributions });

test('the examples of docs/spec.md are specs', () => {
  assert.deepEqual(
    examples.map((text) => {
      const { spec, warnings } = read(text);
      assert.deepEqual(warnings, []);
      refuseStale(spec, { file: 'docs/spec.md' });
      return exactness(spec, distributions);
    }),
    ['loose', 'exact', 'loose'],
  );
});

test('the traced one is written byte for byte, and fully locked', () => {
  const [, traced = ''] = examples;
  const { spec, document } = read(traced);
  assert.equal(writeSpec(spec, { distributions }), traced);
  assert.equal(writeSpec(spec, { distributions, onto: document }), traced);
  assert.deepEqual([...new Set(lockState(spec).map(({ state }) => state))], ['locked']);
});

test('every distribution is in the table of types, and its keys are told', () => {
  for (const { type, schema } of distributions) {
    assert.match(page, new RegExp(`\\| \`type\` \\|.*\`${type}\``));
    for (const key of shapeOf(schema).entries?.keys() ?? []) {
      assert.ok(page.includes(`\`${key}\``) || new RegExp(`\\b${key}\\b`).test(types), `${type}: ${key}`);
    }
  }
});
