import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';
import { parse } from 'yaml';

import { runProcess } from '../../sessions/process.ts';
import { scalarText } from './scalar.ts';

const plain = [
  'bookworm',
  '1.0.20220720-1+deb12u1',
  'two words',
  './run',
  '/a/b',
  'nibabel>=5',
  'a:b',
  'https://x.org/y',
  '-l',
  '--x=1',
  'é',
  'Übung',
  '1:2.36-9+b1',
  '3.11.2',
  'a=b',
];
const guessed = [
  'yes',
  'No',
  'ON',
  'off',
  'y',
  'N',
  'true',
  'null',
  '~',
  '',
  '12',
  '-3',
  '+1',
  '0x1F',
  '0o17',
  '017',
  '0b1',
  '1_000',
  '1.5',
  '24.10',
  '1e3',
  '12e34',
  '.5',
  '.inf',
  '-.INF',
  '.nan',
  '12:30:45',
  '1:30',
  '190:20:30.15',
  '2020-01-01',
  '2001-12-14t21:59:43.10-05:00',
  '=',
  '<<',
  '---',
  '...',
];
const special = [
  'a: b',
  'a #b',
  'a ',
  ' a',
  'x:',
  '- a',
  '-',
  '?',
  '[a',
  '{a',
  '*a',
  '&a',
  '!a',
  '|',
  '>',
  "'",
  '"',
  '%a',
  '@a',
  '`',
  '#',
  'a\nb',
  'a\tb',
  'a\u0085b',
  'a\u2028b',
  '\ufeffa',
  'a\u00a0b',
  'a\udc80b',
  '\ud800',
  'a  b',
  'a,b',
  '[]',
  '\u{1f600}',
  '\0',
  '\x7f',
  '\\',
];

test('texts that nobody can take for anything else stand plain', () => {
  for (const value of plain) assert.equal(scalarText(value), value);
});

test('everything else stands in quotes', () => {
  for (const value of [...guessed, ...special]) assert.match(scalarText(value), /^"[^\n]*"$/, JSON.stringify(value));
});

test('YAML 1.2 and 1.1 as the yaml package reads them give the text back', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...plain, ...guessed, ...special));
  fc.assert(
    fc.property(texts, (value) => {
      for (const version of ['1.1', '1.2'] as const) {
        assert.equal(parse(`- ${scalarText(value)}\n`, { version })[0], value);
        assert.deepEqual(parse(`- {k: ${scalarText(value)}, l: [${scalarText(value)}]}\n`, { version }), [
          { k: value, l: [value] },
        ]);
      }
    }),
    { numRuns: 500 },
  );
});

test('PyYAML reads the same', async (t) => {
  const program = 'import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)';
  const run = (input: string) => runProcess(['/usr/bin/python3', '-c', program], { input, accept: 'any' });
  if ((await run('a: 1\n')).status !== 0) return t.skip('python3-yaml is not installed');
  const drawn = fc.sample(fc.string({ unit: 'grapheme' }), { numRuns: 2000, seed: 7 });
  const values = [...plain, ...guessed, ...special, ...drawn];
  const text = values.map((value, index) => `- {k${index}: ${scalarText(value)}, n: 3, b: true}\n`).join('');
  const result = await run(text);
  assert.equal(result.status, 0, result.stderr.toString());
  assert.deepEqual(
    JSON.parse(result.stdout.toString()),
    values.map((value, index) => ({ [`k${index}`]: value, n: 3, b: true })),
  );
});
