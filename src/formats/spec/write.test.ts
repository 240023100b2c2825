import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { fakeDistributions as distributions } from '../../../test/fakes/distributions.ts';
import { digit, wholeSpec } from '../../../test/fakes/spec-text.ts';
import type { Spec } from '../../model/index.ts';
import { bindLock } from './lock.ts';
import { readSpec } from './read.ts';
import { writeSpec } from './write.ts';

const read = (text: string) => readSpec(text, { file: 'env.yaml', distributions });
const write = (spec: Spec): string => writeSpec(spec, { distributions });

const anyText = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('no', '1e3', '24.10', '~', '$(touch x)', 'a: b', '-x'),
  )
  .map((text) => text.replaceAll('\0', ''));
const line = anyText.map((text) => text.replace(/[\n\r]/g, '').trim()).map((text) => (text === '' ? 'x' : text));
const pathPart = line
  .map((text) => text.replaceAll('/', '').replace(/^\.\.?$/, 'x'))
  .map((text) => (text === '' ? 'x' : text));
const relative = fc.array(pathPart, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const absolute = relative.map((path) => `/${path}`);
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const count = fc.nat({ max: 2 ** 40 });
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(value, { maxLength: 4 });
/** Without the members that are undefined: they are not there in a spec that was read. */
const record = (members: Record<string, fc.Arbitrary<unknown>>, needed: readonly string[]): fc.Arbitrary<object> =>
  fc.record(members, { requiredKeys: [...needed], noNullPrototype: true });
const unknownKey = fc.stringMatching(/^x-[a-z]{1,8}$/);
const file = fc.oneof(
  record(
    { path: relative, mode: fc.constantFrom('0644', '4755'), size: count, sha256: hex, left: fc.constant('limit') },
    ['path', 'size', 'sha256'],
  ),
  record({ path: absolute, link: line }, ['path', 'link']),
  record({ path: absolute, directory: fc.constant(true), mode: fc.constant('0755') }, ['path', 'directory']),
);
const distributionEntry = fc
  .tuple(
    record(
      {
        type: fc.constant('git'),
        path: absolute,
        remote: line,
        commit: fc.stringMatching(/^[0-9a-f]{40}$/),
        changes: fc.nat(),
      },
      ['type', 'path'],
    ),
    fc.dictionary(
      unknownKey,
      fc.oneof(
        anyText.filter((text) => text !== ''),
        some(anyText),
      ),
      { maxKeys: 2, noNullPrototype: true },
    ),
  )
  .map(([entry, unknown]) => ({ ...entry, ...unknown }));
const debian = fc.record(
  {
    type: fc.constant('debian'),
    release: fc.constantFrom('bookworm', 'sid'),
    packages: fc.array(line, { maxLength: 30 }),
  },
  { noNullPrototype: true },
);
const packages = fc.array(
  record(
    {
      name: line,
      version: line,
      architecture: fc.constant('amd64'),
      size: count,
      sha256: hex,
      why: fc.constantFrom('used', 'required'),
      repacked: fc.boolean(),
    },
    ['name', 'version', 'architecture', 'size', 'sha256', 'why'],
  ),
  { maxLength: 30 },
);
const run = record(
  {
    command: fc.tuple(absolute, anyText, anyText),
    directory: absolute,
    status: fc.nat({ max: 255 }),
    inputs: some(relative),
    outputs: some(absolute),
  },
  ['command'],
);
const runLock = record(
  {
    as: fc.constant({ uid: 1, gid: 0, groups: [4, 24], umask: '0022', home: '/root' }),
    stdout: fc.record({ size: count, sha256: hex }, { noNullPrototype: true }),
    outputs: some(file),
    before: some(file),
  },
  ['as'],
);
const specs: fc.Arbitrary<Spec> = fc
  .record(
    {
      repronim: fc.constant(1),
      runs: fc.array(run, { minLength: 1, maxLength: 3 }),
      environment: fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/), anyText, {
        maxKeys: 5,
        noNullPrototype: true,
      }),
      distributions: fc.tuple(debian, distributionEntry).map((entries) => entries),
      files: some(absolute),
      lock: fc.record(
        { files: some(file), host: fc.constant({ kernel: '6.1.0', virtual: { __glibc: '2.36' } }) },
        { noNullPrototype: true },
      ),
      debian: packages,
      run: runLock,
    },
    { requiredKeys: ['repronim', 'distributions', 'debian', 'run'], noNullPrototype: true },
  )
  .map(({ debian: locked, run: lockedRun, ...spec }) =>
    bindLock(spec as unknown as Spec, {
      distributions: { debian: { packages: locked }, git: { patch: `sha256:${digit('a')}` } },
      runs: { run: lockedRun as never },
    }),
  );

test('what was written is read as it was, and written as it was read', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      const text = write(spec);
      const again = read(text);
      assert.deepEqual(again.spec, spec);
      assert.equal(write(again.spec), text);
      assert.equal(writeSpec(again.spec, { distributions, onto: again.document }), text);
    }),
    { numRuns: 300 },
  );
});

test('bytes depend on the value alone, not on the order of keys', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      assert.equal(write(reversed(spec) as Spec), write(spec));
    }),
    { numRuns: 100 },
  );
});

test('what reads well is written as a person would', () => {
  const { spec } = read(wholeSpec);
  const plain = wholeSpec.replace(/ *#.*/g, '').trimStart();
  assert.equal(write(spec), plain);
  const locked = bindLock(spec, {
    distributions: {
      debian: {
        packages: [
          {
            name: 'bash',
            version: '5.2.15-2+b7',
            architecture: 'amd64',
            size: 1,
            sha256: digit('1'),
            why: 'used',
            repacked: true,
          },
        ],
        alternatives: { awk: '/usr/bin/mawk' },
      },
      git: { patch: `sha256:${digit('2')}` },
      venv: { python: '3.11', packages: [] },
    },
    runs: { run: { as: { uid: 0, gid: 0, umask: '0022', home: '/root' }, stdout: { size: 3, sha256: digit('3') } } },
  });
  const of = (text: string): string => text.replace(/of: sha256:[0-9a-f]{64}/g, 'of: X');
  assert.equal(
    of(write(locked).slice(plain.length)),
    `lock:
  distributions:
    debian:
      of: X
      packages:
      - {name: bash, version: 5.2.15-2+b7, architecture: amd64, repacked: true, size: 1, sha256: "${digit('1')}", why: used}
      alternatives: {awk: /usr/bin/mawk}
    venv: {of: X, python: "3.11", packages: []}
    git: {of: X, patch: sha256:${digit('2')}}
  runs:
    run:
      of: X
      as: {uid: 0, gid: 0, umask: "0022", home: /root}
      stdout: {size: 3, sha256: "${digit('3')}"}
`,
  );
});

/** The same value with every map's keys the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
