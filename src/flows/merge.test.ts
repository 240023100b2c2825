import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fakeDistributions } from '../../test/fakes/distributions.ts';
import type { UserError } from '../model/index.ts';
import { type DistributionSpec, type FileLock, type Run, type Spec } from '../model/index.ts';
import { bindLock, lockState } from '../formats/spec/lock.ts';
import { readSpec } from '../formats/spec/read.ts';
import { writeSpec } from '../formats/spec/write.ts';
import { unite } from './merge/merge-entries.ts';
import { addTraced, type MergeOptions } from './merge.ts';

const options: MergeOptions = { distributions: fakeDistributions, file: 'study.yaml', whole: false };
const as = { uid: 0, gid: 0, umask: '0022', home: '/root' };
const content = (letter: string) => ({ size: 1, sha256: letter.repeat(64) });

interface Parts {
  readonly run?: Partial<Run>;
  readonly environment?: Record<string, string>;
  readonly entries: readonly (DistributionSpec & Record<string, unknown>)[];
  readonly locks: Record<string, object>;
  readonly files?: readonly FileLock[];
  readonly inputs?: readonly FileLock[];
}

function traced({ run, environment, entries, locks, files, inputs }: Parts): Spec {
  const paths = (inputs ?? []).map(({ path }) => path);
  const spec: Spec = {
    repronim: 1,
    runs: [{ command: ['./run'], directory: '/work', ...(paths.length === 0 ? {} : { inputs: paths }), ...run }],
    ...(environment === undefined ? {} : { environment }),
    distributions: entries,
    ...(files === undefined ? {} : { files: files.map(({ path }) => path), lock: { files } }),
  };
  return bindLock(spec, {
    distributions: locks,
    runs: { run: { as, ...(inputs === undefined ? {} : { inputs }) } },
  });
}

const row = (name: string, version: string, letter: string, why = 'used') => ({
  name,
  version,
  architecture: 'amd64',
  ...content(letter),
  why,
});
const debian = (packages: readonly string[], rows: readonly object[]): Pick<Parts, 'entries' | 'locks'> => ({
  entries: [{ type: 'debian', release: 'bookworm', packages }],
  locks: { debian: { packages: rows } },
});

test('a second run joins: packages united, variables shared or its own, everything locked', () => {
  const first = traced({
    ...debian(['bash=1', 'zsh=1'], [row('bash', '1', 'a'), row('libc', '2', 'b', 'essential'), row('zsh', '1', 'c')]),
    environment: { PATH: '/usr/bin', LANG: 'C', TZ: 'UTC' },
    files: [{ path: '/etc/a', ...content('f') }],
  });
  const second = traced({
    run: { command: ['./two'], status: 3 },
    ...debian(['awk=1', 'bash=1'], [row('awk', '1', 'd'), row('bash', '1', 'a'), row('libc', '2', 'b')]),
    environment: { PATH: '/env/bin:/usr/bin', LANG: 'C' },
    files: [{ path: '/etc/b', ...content('e') }],
  });
  const spec = addTraced(first, second, options);
  assert.deepEqual(
    spec.runs?.map(({ command, environment }) => [command[0], environment]),
    [
      ['./run', { PATH: '/usr/bin', TZ: 'UTC' }],
      ['./two', { PATH: '/env/bin:/usr/bin' }],
    ],
  );
  assert.deepEqual(spec.environment, { LANG: 'C' });
  assert.deepEqual(spec.files, ['/etc/a', '/etc/b']);
  assert.deepEqual(spec.distributions, [
    { type: 'debian', release: 'bookworm', packages: ['awk=1', 'bash=1', 'zsh=1'] },
  ]);
  const lock = spec.lock?.distributions?.['debian'] as unknown as
    | { packages: { name: string; why: string }[] }
    | undefined;
  assert.deepEqual(
    lock?.packages.map(({ name, why }) => `${name} ${why}`),
    ['awk used', 'bash used', 'libc used', 'zsh used'],
  );
  assert.deepEqual([...new Set(lockState(spec).map(({ state }) => state))], ['locked']);
  assert.deepEqual(Object.keys(spec.lock?.runs ?? {}), ['run', 'run-2']);
});

test('contradictions are all said, and nothing comes of it', () => {
  const input = (letter: string): FileLock[] => [{ path: 'in', ...content(letter) }];
  const first = traced({
    ...debian(['bash=1'], [row('bash', '1', 'a')]),
    files: [{ path: '/etc/a', ...content('f') }],
    inputs: input('1'),
  });
  const second = traced({
    entries: [{ type: 'debian', release: 'trixie', packages: ['bash=2'] }],
    locks: { debian: { packages: [row('bash', '2', 'c')] } },
    files: [{ path: '/etc/a', ...content('e') }],
    inputs: input('2'),
  });
  assert.throws(
    () => addTraced(first, second, options),
    (error: UserError) => {
      assert.equal(error.status, 3);
      assert.deepEqual(error.details, [
        'debian release: bookworm in study.yaml, trixie now',
        'debian packages bash: bash=1 in study.yaml, bash=2 now',
        'debian packages bash amd64: 1 in study.yaml, 2 now',
        'file /etc/a: sha256 ffffffffffff… in study.yaml, sha256 eeeeeeeeeeee… now',
        'input /work/in: sha256 111111111111… in study.yaml, sha256 222222222222… now',
      ]);
      return true;
    },
  );
});

test('an input that an earlier run has made is no contradiction', () => {
  const first = traced({ ...debian([], []), run: { outputs: ['in'] }, inputs: [{ path: 'in', ...content('1') }] });
  const second = traced({ ...debian([], []), inputs: [{ path: 'in', ...content('2') }] });
  assert.equal(addTraced(first, second, options).runs?.length, 2);
});

test('what is there by another path is another one, and each is named then', () => {
  const venv = (path: string) => ({
    entries: [
      { type: 'debian', release: 'bookworm' },
      { type: 'venv', base: 'debian', path },
    ],
    locks: { debian: { packages: [] }, venv: { packages: [] } },
  });
  const spec = addTraced(traced(venv('/work/one env')), traced(venv('/work/two')), options);
  assert.deepEqual(spec.distributions, [
    { type: 'debian', release: 'bookworm' },
    { type: 'venv', id: 'venv', base: 'debian', path: '/work/one env' },
    { type: 'venv', id: 'two', base: 'debian', path: '/work/two' },
  ]);
  const text = writeSpec(spec, { distributions: fakeDistributions });
  assert.deepEqual(readSpec(text, { file: 'x', distributions: fakeDistributions }).warnings, []);
  assert.deepEqual([...new Set(lockState(spec).map(({ state }) => state))], ['locked']);
  const third = addTraced(spec, traced(venv('/work/two')), options);
  assert.deepEqual(third.distributions, spec.distributions);
  assert.deepEqual(third.runs?.length, 3);
});

test('comments of the file stay', () => {
  const first = traced({ ...debian(['bash=1'], [row('bash', '1', 'a')]), environment: { LANG: 'C' } });
  const text = writeSpec(first, { distributions: fakeDistributions }).replace('- bash=1', '- bash=1  # the shell');
  const { spec, document } = readSpec(text, { file: 'study.yaml', distributions: fakeDistributions });
  const second = traced({ ...debian(['awk=1'], [row('awk', '1', 'd')]), environment: { LANG: 'C', TZ: 'UTC' } });
  const united = addTraced(spec, second, options);
  const written = writeSpec(united, { distributions: fakeDistributions, onto: document });
  assert.match(written, /- awk=1\n {2}- bash=1 {2}# the shell\n/);
  assert.deepEqual(readSpec(written, { file: 'x', distributions: fakeDistributions }).spec, united);
});

test('rows of which several have one name are each their own', () => {
  const row = (name: string, value: string) => ({ do: 'prepend', name, value });
  const none = () => assert.fail('a conflict');
  const held = [row('PATH', '/a')];
  assert.deepEqual(unite(held, [row('PATH', '/a'), row('PATH', '/b')], 'modules', none), [
    row('PATH', '/a'),
    row('PATH', '/b'),
  ]);
});
