import assert from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { fakeDistribution, type FakeSpec } from '../../test/fakes/distribution.ts';
import {
  fakeContext,
  fakeSpec,
  installFake,
  scratch,
  writeFiles,
  type FakePackages,
} from '../../test/fakes/fake-root.ts';
import type { AnyDistribution } from '../contract/index.ts';
import { sha256, type Spec } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { diff } from './diff.ts';
import type { Side } from './diff/side.ts';

const packages: FakePackages = {
  base: { version: '1', files: { '/usr/bin/sh': 'shell' } },
  tool: { version: '2', files: { '/usr/bin/tool': 'tool' } },
};

/** An overlay: a tree with a version, of which a spec may have several. */
const tree = {
  type: 'tree',
  packages: (spec: { path: string; commit?: string }) => [{ key: spec.path, version: spec.commit ?? '' }],
  observe: async () => ({ packages: [] }),
  describe: async () => ({ distributions: [], notes: [] }),
} as unknown as AnyDistribution;

function setUp(t: Parameters<typeof scratch>[0]) {
  const directory = scratch(t, 'diff');
  const compare = (a: Partial<Side>, b: Partial<Side>, satisfies = false) =>
    diff(
      { label: 'A', ...a },
      { label: 'B', ...b },
      { distributions: [fakeDistribution, tree], context: fakeContext(directory), satisfies },
    );
  const place = (name: string, what: FakePackages = packages): Partial<Side> => ({
    root: localRoot(installFake(join(directory, name), what)),
  });
  return { directory, compare, place };
}

test('two specs: packages, releases, fields, files, runs and variables', async (t) => {
  const { compare } = setUp(t);
  const one: Spec = fakeSpec(packages, {
    spec: {
      environment: { LC_ALL: 'C', PATH: '/bin' },
      runs: [{ command: ['./run'], outputs: ['out'] }],
      lock: { files: [{ path: '/etc/a', mode: '0644', size: 1, sha256: sha256('a') }] },
    },
  });
  const other: Spec = fakeSpec(
    { base: { version: '1', files: {} }, tool: { version: '2.1', files: {} }, extra: { version: '0', files: {} } },
    {
      spec: {
        environment: { LC_ALL: 'C.UTF-8', PATH: '/bin' },
        runs: [{ command: ['./run', '-v'], outputs: ['out'] }],
        lock: { files: [{ path: '/etc/a', mode: '0600', size: 1, sha256: sha256('a') }] },
      },
    },
  );
  (one.distributions[0] as { release?: string }).release = 'old';
  (other.distributions[0] as { release?: string }).release = 'new';
  const found = await compare({ spec: one }, { spec: other });
  assert.deepEqual(found, {
    equal: false,
    of: ['A', 'B'],
    satisfies: false,
    distributions: [
      {
        type: 'fake',
        id: 'fake',
        release: { was: 'old', is: 'new' },
        packages: [
          { subject: 'extra', is: '0' },
          { subject: 'tool', was: '2', is: '2.1' },
        ],
        compared: 3,
        fields: [],
      },
    ],
    files: [{ subject: '/etc/a', was: `${sha256('a')} 0644`, is: `${sha256('a')} 0600` }],
    runs: [{ subject: 'run: command', was: '["./run"]', is: '["./run","-v"]' }],
    customize: [],
    environment: [{ subject: 'LC_ALL', was: 'C', is: 'C.UTF-8' }],
  });
  assert.equal((await compare({ spec: one }, { spec: structuredClone(one) })).equal, true);
});

test('work trees are paired by path, by id, and when there is but one', async (t) => {
  const { compare } = setUp(t);
  const spec = (...entries: readonly Record<string, string>[]): Partial<Side> => ({
    spec: { repronim: 1, distributions: entries.map((entry) => ({ type: 'tree', ...entry })) },
  });
  const moved = await compare(spec({ path: '/a', commit: '1' }), spec({ path: '/b', commit: '1' }));
  assert.deepEqual(moved.distributions[0]?.fields, [{ subject: 'path', was: '/a', is: '/b' }]);
  const both = await compare(
    spec({ id: 'x', path: '/a', commit: '1' }, { id: 'y', path: '/b', commit: '2' }),
    spec({ id: 'y', path: '/b', commit: '3' }, { id: 'x', path: '/a', commit: '1' }),
  );
  assert.deepEqual(
    both.distributions.map(({ id, packages: changed, fields }) => [id, changed, fields]),
    [
      ['x', [], []],
      ['y', [{ subject: '/b', was: '2', is: '3' }], []], // the commit is not said twice
    ],
  );
});

test('a loose spec is compared by what it names', async (t) => {
  const { compare, place } = setUp(t);
  const loose: Spec = { repronim: 1, distributions: [{ type: 'fake', packages: ['tool'] } as FakeSpec] };
  assert.equal((await compare({ spec: loose }, { spec: fakeSpec(packages) })).equal, true);
  assert.equal((await compare({ spec: loose }, place('here'))).equal, true);
  const wanting: Spec = { repronim: 1, distributions: [{ type: 'fake', packages: ['tool=3', 'none'] } as FakeSpec] };
  assert.deepEqual((await compare({ spec: wanting }, place('here'), true)).distributions[0]?.packages, [
    { subject: 'none', was: '' },
    { subject: 'tool', was: '3', is: '2' },
  ]);
});

test('--satisfies counts only what the first has and the second lacks', async (t) => {
  const { compare, place } = setUp(t);
  const more = place('more', { ...packages, extra: { version: '9', files: {} } });
  const spec = fakeSpec(packages);
  assert.equal((await compare({ spec }, more)).equal, false);
  assert.equal((await compare({ spec }, more, true)).equal, true);
  const found = await compare({ ...more }, { spec }, true);
  assert.deepEqual(found.distributions[0]?.packages, [{ subject: 'extra', was: '9' }]);
});

test('two places of one spec: no difference; one byte, one mode or one file is one', async (t) => {
  const { directory, compare, place } = setUp(t);
  const spec = fakeSpec(packages);
  const [one, other] = [place('one'), place('other')];
  writeFiles(join(directory, 'other'), { '/tmp/x': 'volatile' });
  writeFiles(join(directory, 'one'), { '/tmp/y': 'volatile' });
  assert.equal((await compare({ ...one, spec }, { ...other, spec })).equal, true);
  assert.equal((await compare(one, other)).equal, true, 'without a spec, what is there is found');

  writeFiles(join(directory, 'other'), { '/usr/bin/tool': 'tooL', '/usr/bin/hi': 'planted' });
  chmodSync(join(directory, 'other/usr/bin/sh'), 0o755);
  const found = await compare({ ...one, spec }, { ...other, spec });
  assert.equal(found.equal, false);
  assert.deepEqual(
    found.files.map(({ subject, was, is }) => [subject, was?.slice(-8), is?.slice(-8)]),
    [
      ['/usr/bin/hi', undefined, '0644 0:0'],
      ['/usr/bin/sh', '0644 0:0', '0755 0:0'],
      ['/usr/bin/tool', '0644 0:0', '0644 0:0'],
    ],
  );
});

test('files of packages that differ are not said again', async (t) => {
  const { compare, place } = setUp(t);
  const newer = place('newer', {
    ...packages,
    tool: { version: '3', files: { '/usr/bin/tool': 'new', '/usr/lib/new': '' } },
  });
  const found = await compare(place('old'), newer);
  assert.deepEqual(found.distributions[0]?.packages, [{ subject: 'tool', was: '2', is: '3' }]);
  assert.deepEqual(found.files, []);
});

test('loose files of a spec are looked for in a place', async (t) => {
  const { directory, compare, place } = setUp(t);
  const files = ['/opt/a', '/opt/b', '/opt/c'].map((path) => ({ path, mode: '0644', size: 1, sha256: sha256('a') }));
  const spec = fakeSpec(packages, { spec: { lock: { files } } });
  const here = place('here');
  writeFiles(join(directory, 'here'), { '/opt/a': 'a', '/opt/b': 'b', '/opt/c': 'a' });
  rmSync(join(directory, 'here/opt/c'));
  const found = await compare({ spec }, here);
  assert.deepEqual(
    found.files.map(({ subject, is }) => [subject, is]),
    [
      ['/opt/b', `${sha256('b')} 0644`],
      ['/opt/c', undefined],
    ],
  );
});
