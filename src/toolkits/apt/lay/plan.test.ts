import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AptLock, AptSpec } from '../spec.ts';
import { generateLists } from './lists.ts';
import { plan } from './plan.ts';

const key = 'A'.repeat(40);
const hash = 'b'.repeat(64);
const spec: AptSpec = {
  type: 'debian',
  release: 'bookworm',
  sources: [
    {
      name: 'debian',
      uri: 'https://deb.example.org/debian',
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main'],
      label: 'Debian',
      'signed-by': key,
    },
    { name: 'lab+flat', uri: 'https://lab.example.org/apt', suites: ['./'], priority: 900 },
  ],
};
const lock: AptLock = {
  of: `sha256:${hash}`,
  architectures: ['amd64'],
  packages: [
    {
      name: 'hello',
      version: '1:2.10-3',
      architecture: 'amd64',
      from: 'debian/bookworm/main',
      also: ['debian/bookworm-updates/main'],
      path: 'pool/main/h/hello/hello_2.10-3_amd64.deb',
      size: 5,
      sha256: hash,
      why: 'used',
      manual: true,
      offered: [{ version: '1:2.12-1', from: 'debian/bookworm-updates/main' }],
    },
    {
      name: 'tzdata',
      version: '2026',
      architecture: 'all',
      from: 'debian/bookworm/main',
      path: 'pool/t.deb',
      size: 6,
      sha256: hash,
      why: 'required',
    },
    { name: 'own', version: '1', architecture: 'amd64', repacked: true, size: 7, sha256: hash, why: 'required' },
  ],
  origins: {
    'debian/bookworm/main': {
      source: 'debian',
      uri: 'https://deb.example.org/debian',
      dist: 'bookworm',
      component: 'main',
      origin: 'Debian',
      label: 'Debian',
      suite: 'oldstable',
      codename: 'bookworm',
      version: '12.9',
      date: '2026-01-02T03:04:05Z',
    },
    'debian/bookworm-updates/main': {
      source: 'debian',
      uri: 'https://deb.example.org/debian',
      dist: 'bookworm-updates',
      component: 'main',
      label: 'Debian',
      'not-automatic': true,
    },
  },
  keys: { [key]: { sha256: hash, size: 3 } },
  alternatives: { awk: '/usr/bin/mawk' },
  diversions: [
    { path: '/bin/a', to: '/bin/a.real' },
    { path: '/bin/sh', to: '/bin/sh.distrib', by: 'dash' },
  ],
  changed: [
    { path: '/etc/nanorc', package: 'nano:amd64', mode: '0600', uid: 1, size: 9, sha256: hash },
    { path: '/etc/l', package: 'l:all', link: '/x' },
    { path: '/etc/r', package: 'r:all', removed: true },
    { path: '/etc/secret', package: 's:all', left: 'private' },
  ],
};

test('the steps make a laid root the system that was traced, each with a reason', () => {
  const steps = plan(spec, lock);
  assert.ok(steps.every(({ because }) => because !== ''));
  const shown = steps.map((step) =>
    'path' in step ? `${step.do} ${step.path}` : step.do === 'run' ? step.argv.join(' ') : step.do,
  );
  assert.deepEqual(shown, [
    `write /etc/apt/keyrings/${key}.gpg`,
    'write /etc/apt/sources.list.d/debian.sources',
    'write /etc/apt/sources.list.d/lab_flat.sources',
    'write /etc/apt/preferences.d/repronim.pref',
    'write /var/lib/apt/extended_states',
    'dpkg-divert --quiet --local --rename --divert /bin/a.real --add /bin/a',
    'update-alternatives --quiet --set awk /usr/bin/mawk',
    'write /etc/nanorc',
    'link /etc/l',
    'remove /etc/r',
  ]);
  const content = (path: string) => steps.find((step) => 'path' in step && step.path === path && step.do === 'write');
  assert.deepEqual(content('/etc/apt/sources.list.d/debian.sources'), {
    do: 'write',
    path: '/etc/apt/sources.list.d/debian.sources',
    content: `Types: deb\nURIs: https://deb.example.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /etc/apt/keyrings/${key}.gpg\n`,
    because: 'where packages come from: Debian',
  });
  const marks = content('/var/lib/apt/extended_states');
  assert.ok(marks?.do === 'write' && typeof marks.content === 'string');
  assert.match(marks.content, /^Package: tzdata\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: own\n/);
});

test('lists are those of the locked packages, under the names that apt gives them', () => {
  const control = (name: string) =>
    `Package: ${name}\nInstalled-Size: 280\nDepends: libc6 (>= 2.34)\nDescription: short\n long\n`;
  const files = new Map(
    generateLists(lock, ['hello', 'tzdata', 'own'].map(control)).map(({ name, content }) => [name, content]),
  );
  assert.deepEqual(
    [...files.keys()],
    [
      'deb.example.org_debian_dists_bookworm-updates_Release',
      'deb.example.org_debian_dists_bookworm-updates_main_binary-amd64_Packages',
      'deb.example.org_debian_dists_bookworm_Release',
      'deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages',
    ],
  );
  const packages = files.get('deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages') ?? '';
  assert.deepEqual(
    [...packages.matchAll(/^Package: (.*)$/gm)].map(([, name]) => name),
    ['hello', 'tzdata'],
  );
  assert.match(
    packages,
    /Version: 1:2\.10-3\nInstalled-Size: 280\nDepends: libc6 \(>= 2\.34\)\nFilename: pool\/main\/h/,
  );
  const updates = files.get('deb.example.org_debian_dists_bookworm-updates_main_binary-amd64_Packages') ?? '';
  assert.deepEqual(
    [...updates.matchAll(/^Version: (.*)$/gm)].map(([, version]) => version),
    ['1:2.10-3', '1:2.12-1'],
  );
  assert.match(
    files.get('deb.example.org_debian_dists_bookworm_Release') ?? '',
    /Suite: oldstable\nVersion: 12\.9\nCodename: bookworm\nDate: Fri, 02 Jan 2026 03:04:05 UTC\n/,
  );
});
