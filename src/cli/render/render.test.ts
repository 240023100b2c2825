import assert from 'node:assert/strict';
import { test } from 'node:test';

import { notMadeYet, type Differences, type Level, type Verdict } from '../../model/index.ts';
import { diffLines } from './diff.ts';
import { planLines } from './plan.ts';
import { count, plural, duration, size } from './numbers.ts';
import { printable, shortened, tableLines } from './table.ts';
import { verdictLines, verdictSentence } from './verdict.ts';

test('of a plan, steps that are alike are not all shown', () => {
  const step = (path: string, because: string) => ({ do: 'write', path, content: '', because }) as const;
  const bootstrap = { id: 'debian', type: 'debian', summary: '2 packages of Debian' };
  const steps = [
    step('/etc/a', 'a key'),
    ...Array.from({ length: 1234 }, (_, index) => step(`/usr/${index}`, 'changed')),
    { do: 'unpack', archive: notMadeYet, into: '/opt/env', because: 'an environment' } as const,
  ];
  const plan = { bootstrap, steps, contents: [] };
  assert.deepEqual(planLines(plan, false), [
    'lay       2 packages of Debian',
    'write     /etc/a    a key',
    'write     /usr/0    changed',
    'write     /usr/1    changed',
    'write     /usr/2    changed',
    '          … and 1,231 more: --all',
    'unpack    /opt/env    an environment',
    '1,237 steps; nothing was made.',
  ]);
  assert.equal(planLines(plan, true).length, 1238);
});

test('numbers, sizes and times', () => {
  assert.deepEqual([0, 999, 9871, 1_234_567].map(count), ['0', '999', '9,871', '1,234,567']);
  assert.deepEqual(
    [plural(1, 'file'), plural(0, 'file'), plural(2, 'entry', 'entries')],
    ['1 file', '0 files', '2 entries'],
  );
  const sizes = [0, 812, 999, 1000, 41_200, 999_499, 999_500, 1_400_000, 99_949_999, 346_451_000, 2e9, 5e12];
  assert.deepEqual(sizes.map(size), [
    '0 B', '812 B', '999 B', '1 kB', '41 kB', '999 kB', '1.0 MB', '1.4 MB', '99.9 MB', '346 MB', '2.0 GB', '5.0 TB',
  ]); // prettier-ignore
  const times = [0, 449, 1900, 59_949, 59_951, 60_000, 185_400, 3_599_000, 3_600_000, 7_799_000];
  assert.deepEqual(times.map(duration), [
    '0.0 s', '0.4 s', '1.9 s', '59.9 s', '1 min', '1 min', '3 min 5 s', '59 min 59 s', '1 h', '2 h 10 min',
  ]); // prettier-ignore
});

test('columns stand below each other, wide characters too', () => {
  assert.deepEqual(
    tableLines(
      [
        ['a', '1', 'x'],
        ['日本', '10', ''],
      ],
      ['left', 'right'],
    ),
    ['a      1  x', '日本  10'],
  );
});

test('names from strangers cannot write on the terminal', () => {
  assert.equal(printable('a\u001B[2Jb\nc\udcff\u202Ed ü'), 'a\\x1b[2Jb\\x0ac\\xff\\u{202e}d ü');
});

test('a list is cut where that saves lines', () => {
  const list = Array.from({ length: 12 }, (_, index) => index);
  assert.deepEqual(shortened(list, false), { shown: list.slice(0, 10), more: 2 });
  assert.equal(shortened(list.slice(1), false).more, 0);
  assert.equal(shortened(list, true).more, 0);
});

const level = (checked: number, equal = checked, more: Partial<Level> = {}): Level => ({
  checked,
  equal,
  differing: [],
  explained: [],
  ...more,
});

const verdict: Verdict = {
  equal: false,
  levels: {
    packages: level(131),
    artifacts: level(131, 127, {
      explained: ['bash', 'dpkg', 'grep', 'sed'].map((path) => ({
        path,
        kind: 'repacked',
        explained: 'repacked from the traced system',
      })),
    }),
    contents: level(9871, 9869, {
      differing: [
        { path: '/etc/profile', kind: 'changed', was: 'a', is: 'b', owner: 'base-files 12.4+deb12u14' },
        { path: '/usr/bin/hi', kind: 'unknown' },
      ],
    }),
    files: level(412),
  },
  fingerprint: 'sha256:77ab',
  owners: 'visible',
  unvouched: [],
};

test('a verdict is the table of experience.md', () => {
  assert.deepEqual(verdictLines(verdict, { name: 'study', width: 100 }), [
    'level      checked   equal  differ',
    'packages       131     131       -',
    'artifacts      131     127       -   4 repacked from the traced system',
    'contents     9,871   9,869       2   /etc/profile   changed   base-files 12.4+deb12u14',
    '                                     /usr/bin/hi    unknown   owned by nobody',
    'files          412     412       -',
    'fingerprint  sha256:77ab',
    '',
    'study differs from its spec in 2 files.',
  ]);
  assert.equal(
    verdictSentence(verdict),
    'packages 131/131 · artifacts 127/131, 4 repacked · contents 9,869/9,871 · traced files 412/412',
  );
});

test('a long residue is cut, plural and grouped; --all shows it whole', () => {
  const many: Verdict = {
    ...verdict,
    levels: {
      packages: level(3, 1, { differing: [{ path: 'a', kind: 'version', was: '1', is: '2', owner: 'debian' }] }),
      contents: level(30, 10, {
        differing: Array.from({ length: 20 }, (_, index) => ({
          path: `/f${index}`,
          kind: 'mode',
          was: '0644',
          is: '0600',
        })),
        explained: ['x', 'x', 'y', 'z', 'u', 'v'].map((explained, index) => ({
          path: `/e${index}`,
          kind: 'unknown',
          explained,
        })),
      }),
    },
    unvouched: ['a', 'b'],
  };
  const lines = verdictLines(many, { name: 'study', width: 100 });
  assert.equal(lines.filter((line) => line.includes('0644 → 0600')).length, 10);
  assert.ok(lines.some((line) => line.endsWith('   … and 10 more: --all')));
  assert.deepEqual(
    lines.slice(-9, -4).map((line) => line.trim()),
    ['… and 10 more: --all', '2 x', '1 y', '1 z', '2 explained otherwise: --all'],
  );
  assert.deepEqual(lines.slice(-2), [
    '2 packages are vouched for by nobody: a, b',
    'study differs from its spec in 1 package and 20 files.',
  ]);
  const all = verdictLines(many, { name: 'study', width: 100, all: true });
  assert.equal(all.filter((line) => line.includes('0644 → 0600')).length, 20);
  assert.equal(all.filter((line) => / {3}generated {3}/.test(line)).length, 6);
});

const differences: Differences = {
  equal: false,
  of: ['old.yaml', 'new.yaml'],
  satisfies: false,
  distributions: [
    {
      type: 'debian',
      id: 'debian',
      release: { was: 'bookworm', is: 'trixie' },
      packages: [
        { subject: 'dcm2niix', was: '1.0.20220720-1+deb12u1' },
        { subject: 'python3-nibabel', was: '5.0.0-2', is: '5.3.2-2' },
        { subject: 'python3-scipy', is: '1.15.3-1' },
      ],
      compared: 131,
      fields: [],
    },
    { type: 'git', id: 'git', where: '/work', packages: [], compared: 1, fields: [] },
    {
      type: 'venv',
      id: 'venv',
      where: '/home/u/study/env',
      packages: [{ subject: 'nilearn', was: '0.10.4', is: '0.11.1' }],
      compared: 4,
      fields: [],
    },
  ],
  files: [],
  runs: [],
  environment: [],
  customize: [],
};

test('differences are those of experience.md', () => {
  assert.deepEqual(diffLines(differences), [
    'debian    bookworm → trixie',
    '  ~ python3-nibabel   5.0.0-2 → 5.3.2-2',
    '  + python3-scipy     1.15.3-1',
    '  - dcm2niix          1.0.20220720-1+deb12u1',
    'venv /home/u/study/env',
    '  ~ nilearn           0.10.4 → 0.11.1',
    '3 changes in 131 packages, 1 in 4.',
  ]);
});

test('files, runs and variables; and no difference', () => {
  const digests = ['a'.repeat(64), 'b'.repeat(64)];
  const found: Differences = {
    ...differences,
    distributions: [],
    files: [
      { subject: '/etc/x', was: `${digests[0]} 0644 0:0`, is: `${digests[1]} 0600 0:0` },
      { subject: '/usr/bin/hi', is: `${digests[0]} 0755 0:0` },
    ],
    runs: [{ subject: 'run: command', was: '["a"]', is: '["b"]' }],
    environment: [{ subject: 'LC_ALL', was: 'C' }],
  };
  assert.deepEqual(diffLines(found), [
    'files',
    '  ~ /etc/x         aaaaaaaa… 0644 → bbbbbbbb… 0600',
    '  + /usr/bin/hi',
    'runs',
    '  ~ run: command   ["a"] → ["b"]',
    'environment',
    '  - LC_ALL         C',
    '2 files, 1 fact of runs, 1 variable.',
  ]);
  const equal = { ...differences, equal: true };
  assert.deepEqual(diffLines(equal), ['no difference in 136 packages.']);
  assert.deepEqual(diffLines({ ...equal, satisfies: true }), [
    'new.yaml has all that old.yaml asks for: 136 packages.',
  ]);
});
