import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';
import { parse } from 'yaml';

import { parseText } from './parse.ts';
import { extractRows } from './rows.ts';
import { scalarText } from './scalar.ts';
import { toValue, type Node } from './tree.ts';

const rows = Array.from({ length: 10 }, (_, index) => `- {name: lib${index}, version: 1:2.3-${index}, also: [a, b]}`);
const block = (indent: string): string => rows.map((row) => `${indent}${row}\n`).join('');

/** Read by the YAML package alone: every scalar its text. */
function oracle(text: string): unknown {
  return parse(text, { schema: 'failsafe', logLevel: 'error' });
}

function value(text: string): unknown {
  const { root, faults } = parseText(text, 'x.yaml');
  assert.deepEqual(faults, []);
  return root === undefined ? undefined : toValue(root);
}

function checkPlaces(node: Node, text: string): void {
  if (node.kind === 'scalar' && node.style === 'plain') assert.equal(text.slice(node.start, node.end), node.value);
  if (node.kind === 'list') for (const item of node.items) checkPlaces(item, text);
  if (node.kind !== 'map') return;
  for (const { key, value: member } of node.pairs) {
    checkPlaces(key, text);
    checkPlaces(member, text);
  }
}

test('rows are taken out of a list, and read as YAML reads them', () => {
  const text = `# c\na:\n${block('')}b:\n  - first: 1\n${block('  ')}  - last # c\nc: d\n`;
  assert.ok(extractRows(text).rest.length < 100);
  assert.deepEqual(value(text), oracle(text));
  const { root } = parseText(text, 'x.yaml');
  assert.ok(root !== undefined);
  checkPlaces(root, text);
});

test('what only looks like rows is left to YAML', () => {
  const lines = block('  ');
  for (const text of [
    `a: |\n${lines}`,
    `a: >-\n${lines}b: c\n`,
    `a: "x\n${lines}  "\n`,
    `a: 'x\n${lines}  y'\n`,
    `a: x\n${lines}`,
    `a: |\n  x\n${lines}b:\n${lines}`,
    `a:\n${lines.trimEnd()}\n    more\n`.replaceAll(/- \{.*\}/g, '- word'),
    `a:\n- b:\n${block('    ')}- c\n`,
    block(''),
    `a:\n  ${'- word\n  '.repeat(10)}\n\n\nb: c\n`,
    `? ${'\n- word'.repeat(12)}\n: b\n`.replace('? \n', '?\n'),
  ]) {
    let expected: unknown;
    try {
      expected = oracle(text);
    } catch {
      assert.notDeepEqual(parseText(text, 'x.yaml').faults, [], text);
      continue;
    }
    if (text.startsWith('?')) assert.notDeepEqual(parseText(text, 'x.yaml').faults, []);
    else assert.deepEqual(value(text), expected, text);
  }
});

test('whatever stands in a row, it is read as YAML reads it', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((word) => scalarText(word)),
    fc.stringMatching(/^[a-z0-9:/ .+~"',{}[\]#-]{0,12}$/),
  );
  const row = fc.oneof(
    scalar,
    fc
      .array(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), scalar), { maxLength: 4 })
      .map((pairs) => `{${pairs.map(([key, text]) => `${key}: ${text}`).join(', ')}}`),
    fc.array(scalar, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
  );
  const lines = fc.array(fc.oneof({ weight: 20, arbitrary: row }, { weight: 1, arbitrary: fc.constant('word') }), {
    minLength: 10,
    maxLength: 30,
  });
  fc.assert(
    fc.property(lines, fc.constantFrom('', '  '), (items, indent) => {
      const text = `a:\n${items.map((item) => `${indent}- ${item}\n`).join('')}b: c\n`;
      let expected: unknown;
      try {
        expected = parse(text, { schema: 'failsafe', uniqueKeys: true });
      } catch {
        return; // no YAML
      }
      const { root, faults } = parseText(text, 'x.yaml');
      if (faults.length > 0) return; // YAML, but not ours: an alias, an empty key
      assert.ok(root !== undefined);
      assert.deepEqual(withoutNothing(toValue(root)), withoutNothing(expected));
      checkPlaces(root, text);
    }),
    { numRuns: 1000 },
  );
});

/** A key without a value is not there in ours. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (typeof value !== 'object' || value === null) return value ?? '';
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== '')
      .map(([key, member]) => [key, withoutNothing(member)]),
  );
}
