import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import * as v from 'valibot';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import {
  bookworm,
  inRelease,
  offered,
  smallDebian,
  stableFingerprint,
  stableKey,
  type SmallPackage,
} from '../../../test/fakes/small-debian.ts';
import { localRoot } from '../../roots/local.ts';
import { ubuntu } from '../ubuntu/index.ts';
import { debian } from './index.ts';

const packages: readonly SmallPackage[] = [
  {
    name: 'base-files',
    version: '12.4+deb12u11',
    fields: { Essential: 'yes', 'Pre-Depends': 'awk' },
    files: { '/usr/lib/os-release': bookworm, '/etc/os-release': '-> ../usr/lib/os-release', '/etc/issue': 'Debian\n' },
    conffiles: ['/etc/issue'],
  },
  {
    name: 'libc6',
    version: '2.36-9+deb12u13',
    fields: { 'Multi-Arch': 'same', Source: 'glibc' },
    // as in lists from before the merge of /usr
    files: { '/lib/x86_64-linux-gnu/libc.so.6': 'ELF libc' },
  },
  {
    name: 'mawk',
    version: '1.3.4.20200120-3.1',
    fields: { Provides: 'awk', 'Multi-Arch': 'foreign', Depends: 'libc6 (>= 2.29)' },
    files: { '/usr/bin/mawk': 'ELF mawk', '/usr/share/man/man1/mawk.1.gz': 'manual' },
  },
  {
    name: 'dash',
    version: '0.5.12-2',
    fields: { Essential: 'yes' },
    files: { '/bin/dash': 'ELF dash', '/bin/sh': '-> dash' },
  },
  { name: 'busybox', version: '1:1.35.0-4', files: { '/bin/busybox': 'ELF busybox' }, folders: ['/bin/sh'] },
  {
    name: 'python3-nibabel',
    version: '5.0.0-2',
    architecture: 'all',
    fields: { Source: 'nibabel', Depends: 'libc6, missing-one | mawk' },
    files: { '/usr/lib/python3/dist-packages/nibabel/info.py': 'version = 5\n' },
    control: { postinst: '#!/bin/sh\n' },
  },
  {
    name: 'nano',
    version: '7.2-1+deb12u1',
    files: { '/bin/nano': 'ELF nano', '/etc/nanorc': 'set nothing\n' },
    conffiles: ['/etc/nanorc'],
  },
  { name: 'unused', version: '1', files: { '/usr/bin/unused': 'ELF' } },
];

const lists = '/var/lib/apt/lists';
const awk = `manual\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\n\n/usr/bin/mawk\n5\n/usr/share/man/man1/mawk.1.gz\n\n`;

const files = {
  '/var/lib/dpkg/diversions': '/bin/sh\n/bin/sh.distrib\ndash\n',
  '/usr/bin/sh.distrib': "busybox's sh",
  '/var/lib/dpkg/alternatives/awk': awk,
  '/etc/alternatives/awk': '-> /usr/bin/mawk',
  '/usr/bin/awk': '-> /etc/alternatives/awk',
  '/usr/lib/python3/dist-packages/nibabel/__pycache__/info.cpython-311.pyc': 'pyc',
  '/etc/ld.so.cache': 'cache',
  '/var/lib/apt/extended_states': 'Package: libc6\nArchitecture: amd64\nAuto-Installed: 1\n\n',
  '/etc/apt/sources.list':
    'deb [signed-by=/usr/share/keyrings/k.asc] http://u:p@deb.example/debian bookworm bookworm-x main\n',
  '/etc/apt/sources.list.d/neuro.list':
    'deb [signed-by=/usr/share/keyrings/k.asc] http://neuro.example/debian bookworm main\n',
  '/etc/apt/sources.list.d/dead.list': 'deb https://dead.example/repo stable main\n',
  '/etc/apt/preferences.d/neuro': 'Package: *\nPin: release l=NeuroDebian\nPin-Priority: 600\n',
  // of a repository that is on no list: it moves nothing, and comes back with its file
  '/etc/apt/preferences.d/gone': 'Package: nano\nPin: origin gone.example\nPin-Priority: 600\n',
  '/usr/share/keyrings/k.asc': stableKey,
  [`${lists}/deb.example_debian_dists_bookworm_InRelease`]: inRelease({
    Origin: 'Debian',
    Label: 'Debian',
    Suite: 'oldstable',
    Codename: 'bookworm',
    Date: 'Sat, 06 Sep 2025 09:59:52 UTC',
  }),
  [`${lists}/deb.example_debian_dists_bookworm_main_binary-amd64_Packages`]:
    offered('libc6', '2.36-9+deb12u13') +
    offered('mawk', '1.3.4.20200120-3.1') +
    offered('dash', '0.5.12-2') +
    offered('nano', '7.2-1+deb12u2') +
    offered('python3-nibabel', '4.0.2-1', { Architecture: 'all' }),
  [`${lists}/neuro.example_debian_dists_bookworm_InRelease`]: inRelease({
    Origin: 'NeuroDebian',
    Label: 'NeuroDebian',
    Codename: 'bookworm',
  }),
  [`${lists}/neuro.example_debian_dists_bookworm_main_binary-amd64_Packages`]: offered('python3-nibabel', '5.0.0-2', {
    Architecture: 'all',
  }),
};

const mine = [
  '/usr/lib/x86_64-linux-gnu/libc.so.6',
  '/usr/bin/dash',
  '/usr/bin/sh',
  '/usr/bin/sh.distrib',
  '/usr/bin/awk',
  '/etc/alternatives/awk',
  '/usr/bin/nano',
  '/etc/nanorc',
  '/usr/lib/python3/dist-packages/nibabel/info.py',
  '/usr/lib/python3/dist-packages/nibabel/__pycache__/info.cpython-311.pyc',
];

const others = [
  '/usr/bin/hi',
  '/usr/lib/python3/dist-packages/nibabel/__pycache__/evil.cpython-311.pyc',
  '/home/u/x',
  '/etc/nanorc.d',
];

function small(t: TestContext, more: Readonly<Record<string, string>> = {}): string {
  return smallDebian(t, { packages, files: { ...files, ...more } });
}

testDistribution({
  distribution: debian,
  async place(t) {
    const broken = small(t);
    appendFileSync(join(broken, 'var/lib/dpkg/status'), 'Package: half\nStatus: install ok installed\nVers');
    const empty = contexts(t).folder;
    mkdirSync(join(empty, 'etc'), { recursive: true });
    return {
      root: localRoot(small(t)),
      mine,
      others,
      empty: localRoot(empty),
      broken: { root: localRoot(broken), mine: ['/usr/bin/dash', '/usr/bin/nano'] },
    };
  },
});

async function describe(t: TestContext, paths: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const root = localRoot(small(t, more));
  const { tracing, store } = contexts(t);
  const answer = await debian.describe(await debian.claim(paths, root, tracing), root, tracing);
  const [one] = answer.distributions;
  assert.ok(one);
  return { ...one, notes: answer.notes, store, root, tracing };
}

test('owners: merged /usr, diversions, alternatives, compiled and generated files', async (t) => {
  const root = localRoot(small(t));
  const owners = await debian.claim([...mine, '/etc/ld.so.cache', '/usr/lib/python3'], root, contexts(t).tracing);
  const keys = (path: string) => owners.get(path)?.map(({ key }) => key);
  assert.deepEqual(keys('/usr/lib/x86_64-linux-gnu/libc.so.6'), ['libc6:amd64']);
  assert.deepEqual(keys('/usr/bin/sh'), ['dash:amd64']);
  assert.deepEqual(keys('/usr/bin/sh.distrib'), ['busybox:amd64'], "what dash diverts is still the other's");
  assert.deepEqual(keys('/usr/bin/awk'), ['mawk:amd64']);
  assert.match(owners.get('/usr/bin/awk')?.[0]?.explained ?? '', /update-alternatives/);
  assert.deepEqual(keys(mine.at(-1) ?? ''), ['python3-nibabel:all']);
  assert.match(owners.get(mine.at(-1) ?? '')?.[0]?.explained ?? '', /compiled/);
  assert.deepEqual(keys('/etc/ld.so.cache'), undefined, 'libc-bin, which makes it, is not installed');
  assert.deepEqual(keys('/usr/lib/python3'), ['python3-nibabel:all']);
});

test('packages with their versions, sources by their labels, pins as priorities', async (t) => {
  const { spec, lock, notes, summary } = await describe(t, [
    '/usr/lib/python3/dist-packages/nibabel/info.py',
    '/usr/bin/nano',
  ]);
  assert.equal(summary, '2 Debian packages');
  assert.equal(spec.release, 'bookworm');
  assert.deepEqual(spec.packages, ['nano=7.2-1+deb12u1', 'python3-nibabel=5.0.0-2']);
  assert.deepEqual(spec.sources, [
    {
      name: 'debian',
      uri: 'http://deb.example/debian',
      suites: ['bookworm'],
      components: ['main'],
      label: 'Debian',
      'signed-by': stableFingerprint,
    },
    {
      name: 'neurodebian',
      uri: 'http://neuro.example/debian',
      suites: ['bookworm'],
      components: ['main'],
      label: 'NeuroDebian',
      'signed-by': stableFingerprint,
      priority: 600,
    },
  ]);
  assert.equal(spec.pins, undefined);
  assert.deepEqual(lock.preferences?.map(({ pin }) => pin).toSorted(), [
    'origin gone.example',
    'release l=NeuroDebian',
  ]);
  const by = new Map(lock.packages.map((one) => [one.name, one]));
  assert.deepEqual(Object.fromEntries([...by].map(([name, { why }]) => [name, why])), {
    'base-files': 'essential',
    dash: 'essential',
    libc6: 'required',
    mawk: 'required',
    nano: 'used',
    'python3-nibabel': 'used',
  });
  const nibabel = by.get('python3-nibabel');
  assert.equal(nibabel?.from, 'neurodebian/bookworm/main');
  assert.equal(nibabel?.source, 'nibabel');
  assert.deepEqual(nibabel?.offered, [{ version: '4.0.2-1', from: 'debian/bookworm/main' }]);
  assert.equal(by.get('libc6')?.manual, undefined);
  assert.equal(by.get('nano')?.manual, true);
  assert.equal(by.get('nano')?.repacked, true, 'no list has this version');
  assert.equal(by.get('nano')?.from, undefined);
  assert.ok(notes.some(({ kind, about }) => kind === 'gone' && about === 'nano:amd64'));
  assert.equal(lock.origins?.['debian/bookworm/main']?.date, '2025-09-06T09:59:52Z');
  assert.deepEqual(Object.keys(lock.keys ?? {}), [stableFingerprint]);
  assert.deepEqual(lock.alternatives, { awk: '/usr/bin/mawk' });
  assert.ok(!JSON.stringify([spec, lock]).includes('u:p'), 'no password');
});

test('changed files are kept: configuration, what was used, what is younger than its package', async (t) => {
  const more = { '/etc/nanorc': 'set tabsize 4\n', '/usr/bin/nano': 'ELF patched' };
  const { lock, root, spec, tracing, store } = await describe(t, ['/usr/bin/nano'], more);
  assert.deepEqual(
    lock.changed?.map(({ path, package: of }) => [path, of]),
    [
      ['/etc/nanorc', 'nano:amd64'],
      ['/usr/bin/nano', 'nano:amd64'],
    ],
  );
  assert.ok(await store.find(lock.changed?.[0]?.sha256 ?? ''));
  const checked = await debian.check?.(spec, { of: 'sha256:', ...lock }, root, tracing);
  assert.deepEqual(
    checked?.differing.filter(({ kind }) => kind !== 'unknown'),
    [],
  );
});

test('check names what differs, down to the file', async (t) => {
  const { spec, lock, tracing } = await describe(t, ['/usr/bin/nano']);
  const other = localRoot(
    small(t, { '/usr/bin/mawk': 'ELF other', '/usr/bin/hi': 'planted', '/usr/local/bin/x': 'y' }),
  );
  const checked = await debian.check?.(spec, { of: 'sha256:', ...lock }, other, tracing);
  const found = checked?.differing.map(({ path, kind, owner }) => [path, kind, owner]);
  assert.ok(found?.some((one) => one.join() === ['/usr/bin/mawk', 'changed', 'mawk 1.3.4.20200120-3.1'].join()));
  assert.ok(found?.some(([path, kind]) => path === '/usr/bin/hi' && kind === 'unknown'));
});

test('a system that is like Debian is Debian, with its own name as vendor; Ubuntu is not', async (t) => {
  const mint = { '/usr/lib/os-release': 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\n' };
  const pi = { '/usr/lib/os-release': 'ID=raspbian\nID_LIKE=debian\nVERSION_CODENAME=bookworm\n' };
  const { tracing } = contexts(t);
  const minty = localRoot(small(t, mint));
  assert.equal((await debian.claim(['/usr/bin/nano'], minty, tracing)).size, 0);
  assert.equal((await ubuntu.claim(['/usr/bin/nano'], minty, tracing)).size, 1);
  const { spec } = await describe(t, ['/usr/bin/nano'], pi);
  assert.deepEqual([spec.type, spec.vendor, spec.release], ['debian', 'raspbian', 'bookworm']);
});

test('an unknown release is refused with what was meant', () => {
  const result = v.safeParse(debian.schema, { type: 'debian', release: 'bookwurm', packages: ['git'] });
  assert.equal(
    result.issues?.[0]?.message,
    'unknown release "bookwurm" of debian\ndid you mean bookworm? known: bullseye, bookworm, trixie, forky, sid',
  );
  assert.deepEqual(
    result.issues?.[0]?.path?.map(({ key }) => key),
    ['release'],
  );
  assert.ok(
    v.safeParse(debian.schema, { type: 'debian', release: 'bookworm', packages: ['git>=2', 'a:i386=1'] }).success,
  );
});

test('names, versions and paths of strangers are checked', () => {
  const bad = [
    { packages: ['git; rm -rf /'] },
    { packages: ['--option'] },
    { packages: ['git=$(id)'] },
    { sources: [{ name: 'x', uri: 'file:///etc', suites: ['s'] }] },
    { sources: [{ name: 'x', uri: 'http://h/', suites: ['../s'] }] },
    { architecture: '../amd64' },
  ];
  for (const one of bad)
    assert.equal(v.safeParse(debian.schema, { type: 'debian', ...one }).success, false, JSON.stringify(one));
  const pkg = { name: 'a', version: '1', architecture: 'all', size: 1, sha256: '0'.repeat(64), why: 'used' };
  const lock = (more: object) => ({ of: `sha256:${'0'.repeat(64)}`, packages: [{ ...pkg, ...more }] });
  assert.ok(v.safeParse(debian.lockSchema, lock({ path: 'pool/main/a/a_1.deb' })).success);
  for (const path of ['/etc/passwd', 'pool/../../x', 'http://h/x.deb', 'a\nb']) {
    assert.equal(v.safeParse(debian.lockSchema, lock({ path })).success, false, path);
  }
});

test('a root that is no folder of this machine gives the same; what can not be read makes a package partial', async (t) => {
  const local = localRoot(small(t));
  const { directory: _, ...remote } = local;
  const { tracing } = contexts(t);
  const asked = [...mine, ...others];
  const owners = await debian.claim(asked, remote, tracing);
  assert.deepEqual(owners, await debian.claim(asked, local, tracing));
  const there = await debian.describe(owners, remote, tracing);
  assert.deepEqual(there, await debian.describe(owners, local, tracing));

  const secret = {
    ...remote,
    label: 'secret',
    digest: async (paths: readonly string[], algorithm: 'sha256' | 'md5') =>
      (await local.digest(paths, algorithm)).map((digest, index) =>
        paths[index] === '/usr/bin/nano' ? undefined : digest,
      ),
  };
  const answer = await debian.describe(owners, secret, tracing);
  const nano = answer.distributions[0]?.lock.packages.find(({ name }) => name === 'nano');
  assert.deepEqual([nano?.repacked, nano?.partial], [true, true]);
  const note = answer.notes.find(({ kind }) => kind === 'partial');
  assert.match(note?.text ?? '', /nano .* without 1 of its files: \/usr\/bin\/nano/);
});
