import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test, type TestContext } from 'node:test';

import fc from 'fast-check';

import { fakeDistributions as distributions } from '../../../test/fakes/distributions.ts';
import { digit, wholeSpec } from '../../../test/fakes/spec-text.ts';
import { UserError } from '../../model/index.ts';
import { bindLock } from './lock.ts';
import { readSpec } from './read.ts';
import { writeSpec } from './write.ts';

const read = (text: string) => readSpec(text, { file: 'bad.yaml', distributions });

const locked = ((): string => {
  const row = (index: number) => ({
    name: `lib${index}`,
    version: `1-${index}`,
    architecture: 'amd64',
    size: index,
    sha256: digit('b'),
    why: 'used',
  });
  const { spec } = read(wholeSpec);
  const lock = bindLock(spec, {
    distributions: {
      debian: { packages: Array.from({ length: 12 }, (_, index) => row(index)) },
      git: { patch: `sha256:${digit('a')}` },
    },
    runs: {
      run: {
        as: { uid: 0, gid: 0, umask: '0022', home: '/root' },
        outputs: [{ path: 'out/a', size: 1, sha256: digit('c') }],
      },
    },
  });
  return writeSpec(lock, { distributions, onto: read(wholeSpec).document });
})();

/** Undefined where the text is a spec after all. Anything but a UserError with a position fails the test. */
function refused(text: string): string | undefined {
  try {
    read(text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof UserError, `${String(error instanceof Error ? error.stack : error)}\n${text}`);
    assert.equal(error.status, 2);
    for (const line of [error.message, ...error.details]) {
      assert.match(line, /^(?:bad\.yaml:[1-9][0-9]*:[1-9][0-9]*: |… and )/);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(line, /[\0-\x1f\x7f]|\n {4}at /);
      assert.ok(line.length < 2000);
    }
    return error.message;
  }
}

const lines = locked.split('\n');
const withLine = (index: number, line: string): string => lines.with(index, line).join('\n');
const anyLine = fc.integer({ min: 1, max: lines.length - 2 });
const keyed = lines.flatMap((line, index) => (/^ *(?:- )?[a-z-]+:/.test(line) ? [index] : []));
const valued = lines.flatMap((line, index) =>
  /^ *(?:- )?(?:type|path|command|directory|release|commit|changes|of|size|suites):? /.test(line) ? [index] : [],
);

/** Edits that leave no spec, wherever they strike. */
const mutations: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  anyLine.map((at) => ['a tab before the line', withLine(at, `\t${lines[at] ?? ''}`)] as const),
  anyLine.map(
    (at) => ['an unclosed quote', withLine(at, `${(lines[at] ?? '').replace(/: .*|- .*/, '')}: "x`)] as const,
  ),
  anyLine.map((at) => ['an unclosed list', withLine(at, `${(lines[at] ?? '').replace(/:? .*/, '')}: [x`)] as const),
  anyLine.map((at) => ['a NUL', withLine(at, `${lines[at] ?? ''}\0`)] as const),
  fc
    .constantFrom(...keyed)
    .map(
      (at) => ['a key twice', withLine(at, `${lines[at] ?? ''}\n${(lines[at] ?? '').replace('- ', '  ')}`)] as const,
    ),
  fc.constantFrom(...keyed).map((at) => ['an alias', withLine(at, (lines[at] ?? '').replace(/:.*/, ': *x'))] as const),
  fc.constantFrom(...keyed).map((at) => ['a tag', withLine(at, (lines[at] ?? '').replace(/:.*/, ': !x y'))] as const),
  fc
    .tuple(fc.constantFrom(...valued), fc.constantFrom('{a: b}', '"\\0"', '../../etc', '[{a: b}]', '-1'))
    .map(
      ([at, value]) =>
        ['a value of another kind', withLine(at, (lines[at] ?? '').replace(/: .*/, `: ${value}`))] as const,
    ),
  fc
    .constantFrom('type', 'path', 'release', 'packages', 'sources', 'distributions', 'environment', 'command', 'commit')
    .map((key) => ['a misspelt key', locked.replace(`${key}:`, `${key.slice(0, 2)}${key.slice(3)}:`)] as const),
  fc
    .constantFrom('debian', 'venv', 'git', 'prefix')
    .map((type) => ['an unknown type', locked.replace(`type: ${type}`, `type: ${type}x`)] as const),
  fc
    .nat({ max: 400 })
    .map(
      (length) =>
        [
          'a cut in the lock',
          locked.slice(0, locked.indexOf('lib11') + length - 400).replace(/[^]{3}$/, '{["'),
        ] as const,
    ),
);

function seedFor(t: TestContext): number {
  const seed = Number(process.env['REPRONIM_TEST_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`seed ${seed}: REPRONIM_TEST_SEED=${seed} repeats it`);
  return seed;
}

test('200 bad specs: each refused with a position, none with a stack trace', (t) => {
  assert.equal(refused(locked), undefined);
  const drawn = fc.sample(mutations, { numRuns: 200, seed: seedFor(t) });
  for (const [what, text] of drawn) assert.notEqual(refused(text), undefined, `${what} was let in:\n${text}`);
});

test('specs with anything put in, taken out or exchanged never throw but faults', (t) => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom(
      '\n',
      '- ',
      ': ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '|\n',
      '>\n',
      '&a',
      '*a',
      '!!x',
      '<<: ',
      '? ',
      '---\n',
      '...\n',
      '%',
      '\\',
      '  ',
      '__proto__',
      'constructor',
    ),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: locked.length }), fc.nat({ max: 6 }), junk), { minLength: 1, maxLength: 3 }),
      (edits) => {
        let text = locked;
        for (const [at, gone, put] of edits) text = text.slice(0, at) + put + text.slice(at + gone);
        refused(text);
      },
    ),
    { numRuns: 500, seed: seedFor(t) },
  );
});

test('what would be code elsewhere is text here, and comes back as it was', () => {
  const hostile = [
    '$(touch /tmp/x)',
    '`id`',
    '; rm -rf /',
    '--option',
    '../../etc/passwd',
    'a\nb',
    '\\u0000',
    '${HOME}',
    '\'"',
    '\u202e',
    '{{x}}',
    '%s%n',
  ];
  const { spec } = read(wholeSpec);
  const value = {
    ...spec,
    runs: [{ command: ['./run', ...hostile] }],
    environment: Object.fromEntries(hostile.map((text, index) => [`V${index}`, text])),
  };
  const again = read(writeSpec(value, { distributions })).spec;
  assert.deepEqual(again.runs, value.runs);
  assert.deepEqual(again.environment, value.environment);
  for (const path of ['../x', 'x/../../y', '/a/../b', '/a//b', 'x/', '.', '', './x']) {
    assert.match(refused(wholeSpec.replace('data/scan.nii.gz', JSON.stringify(path))) ?? '', /expected a path/);
    assert.match(
      refused(wholeSpec.replace('/opt/scaler/1.2', JSON.stringify(path))) ?? '',
      /expected an absolute path/,
    );
  }
  assert.match(refused(wholeSpec.replace('https://deb', 'file:///deb')) ?? '', /expected an http or https address/);
  assert.match(refused(wholeSpec.replace('https://deb', 'https://u:p@deb')) ?? '', /expected an http or https address/);
});

test('bombs are refused, soon', () => {
  const laughs = `a: &a [x, x]\n${Array.from({ length: 30 }, (_, index) => `b${index}: &b${index} [*a, *a]\n`).join('')}`;
  const bombs: readonly (readonly [string, string])[] = [
    ['aliases', `repronim: 1\ndistributions: []\n${laughs}`],
    ['depth', `repronim: 1\na: ${'['.repeat(200_000)}`],
    ['depth by indentation', Array.from({ length: 2000 }, (_, index) => `${' '.repeat(index)}a:\n`).join('')],
    ['dashes', `${'- '.repeat(200_000)}x\n`],
    ['size', `repronim: 1\nx: ${'a'.repeat(65 * 1024 * 1024)}\n`],
    ['many keys', `repronim: 1\n${Array.from({ length: 500_000 }, (_, index) => `k${index}: 1\n`).join('')}`],
    ['many faults', `repronim: 1\ndistributions:\n${'- {type: gti}\n'.repeat(100_000)}`],
  ];
  for (const [what, text] of bombs) {
    const started = performance.now();
    assert.notEqual(refused(text), undefined, what);
    assert.ok(performance.now() - started < 10_000, `${what}: ${performance.now() - started} ms`);
  }
});
