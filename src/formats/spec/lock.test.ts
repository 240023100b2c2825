import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { fakeDistributions as distributions } from '../../../test/fakes/distributions.ts';
import { digit, wholeSpec } from '../../../test/fakes/spec-text.ts';
import { UserError, type Spec } from '../../model/index.ts';
import { bindLock, entryDigest, exactness, lockState, refuseStale } from './lock.ts';
import { readSpec } from './read.ts';
import { writeSpec } from './write.ts';

const read = (text: string) => readSpec(text, { file: 'env.yaml', distributions });

function lockAll(spec: Spec): Spec {
  const row = { architecture: 'amd64', size: 1, sha256: digit('e'), why: 'used' };
  return bindLock(spec, {
    distributions: {
      debian: {
        packages: [
          { name: 'dcm2niix', version: '1.0.20220720-1+deb12u1', ...row },
          { name: 'python3-nibabel', version: '5.0.0-2', ...row },
        ],
      },
      venv: { packages: [{ name: 'nilearn', version: '0.10.4' }] },
      git: {},
      prefix: { tree: `sha256:${digit('f')}`, files: 1, size: 2 },
    },
    runs: { run: { as: { uid: 0, gid: 0, umask: '0022', home: '/root' } } },
  });
}

test('the digest is that of the canonical JSON of what stands there', () => {
  const entry = { type: 'git', path: '/a', changes: 2, 'x-b': 'é', commit: '00' } as const;
  const json = '{"changes":2,"commit":"00","path":"/a","type":"git","x-b":"é"}';
  assert.equal(entryDigest(entry), `sha256:${createHash('sha256').update(json).digest('hex')}`);
  assert.equal(entryDigest({ ...entry, id: 'git' }), entryDigest(entry));
  assert.notEqual(entryDigest({ ...entry, id: 'other' }), entryDigest(entry));
  const run = { command: ['a'] };
  assert.equal(entryDigest({ ...run, status: 0, directory: '/', id: 'run', inputs: [] }), entryDigest(run));
  assert.notEqual(entryDigest({ ...run, status: 1 }), entryDigest(run));
});

test('comments, order of keys, quoting and defaults do not count', () => {
  const other = wholeSpec
    .replace(/ *#.*/g, '')
    .replace('  release: bookworm\n', '')
    .replace('  architecture: amd64\n', '  architecture: "amd64"\n  release: \'bookworm\' # changed\n')
    .replace('command: [./run, two words]', 'status: "0"\n  command:\n  - ./run\n  - >-\n    two\n    words');
  const digests = (text: string) =>
    [...read(text).spec.distributions, ...(read(text).spec.runs ?? [])].map(entryDigest);
  assert.deepEqual(digests(other), digests(wholeSpec));
});

test("a lock is its entry's, and an edit unlocks that one alone", () => {
  const text = writeSpec(lockAll(read(wholeSpec).spec), { distributions });
  const { spec, document } = read(text);
  assert.deepEqual(
    lockState(spec).map(({ state }) => state),
    ['locked', 'locked', 'locked', 'locked', 'locked'],
  );
  refuseStale(spec, { file: 'env.yaml', document });
  assert.equal(exactness(spec, distributions), 'exact');

  const states = (after: string) =>
    lockState(read(after).spec)
      .filter(({ state }) => state === 'stale')
      .map(({ id, changed }) => [id, ...changed]);
  assert.deepEqual(states(text.replace('python3-nibabel=5.0.0-2\n', 'python3-nibabel=5.0.0-2\n  - git\n')), [
    ['debian', 'package git is new'],
  ]);
  assert.deepEqual(states(text.replace('nilearn==0.10.4', 'nilearn==0.11.1')), [
    ['venv', 'package nilearn was 0.10.4, now 0.11.1'],
  ]);
  assert.deepEqual(states(text.replace('  path: /opt/scaler/1.2\n', '  path: /opt/scaler/1.2\n  note: x\n')), [
    ['prefix', 'note is new'],
  ]);
  assert.deepEqual(states(text.replace('- command: [./run,', '- command: [./run, --fast,')), [
    ['run', 'item of command --fast is new'],
  ]);
  assert.deepEqual(states(text.replace('LC_ALL: C.UTF-8', 'LC_ALL: C')), []);
});

test('a stale lock is refused with its place, what changed, and what to do', () => {
  const text = writeSpec(lockAll(read(wholeSpec).spec), { distributions });
  const edit = text.replace('nilearn==0.10.4', 'nilearn==0.11.1').replace('release: bookworm', 'release: trixie');
  const { spec, document } = read(edit);
  assert.throws(
    () => refuseStale(spec, { file: 'env.yaml', document }),
    (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.status, 2);
      assert.equal(error.message, 'env.yaml:11:3: distribution debian was edited after it was locked');
      assert.equal(error.hint, 'repronim resolve env.yaml');
      assert.deepEqual(error.details, [
        'env.yaml:24:3: distribution venv was edited after it was locked: package nilearn was 0.10.4, now 0.11.1',
      ]);
      return true;
    },
  );
});

test('how exact a spec is', () => {
  const of = (text: string) => exactness(read(text).spec, distributions);
  const head = 'repronim: 1\ndistributions:\n- type: debian\n  packages: ';
  assert.equal(of(`${head}[git]\n`), 'loose');
  assert.equal(of(`${head}[git=1, bash]\n`), 'loose');
  assert.equal(of(`${head}[git=1, bash=2]\n`), 'pinned');
});
