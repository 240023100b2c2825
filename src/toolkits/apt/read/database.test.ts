import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { smallDebian } from '../../../../test/fakes/small-debian.ts';
import { localRoot } from '../../../roots/local.ts';
import { claim } from './claim.ts';
import { findClosure } from './closure.ts';
import { readDatabase } from './database.ts';

// from a real status file: two architectures of one package, a removed one, one on hold, a binNMU
const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u13

Package: libc6
Status: install ok installed
Architecture: i386
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u13

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
Conffiles:
 /etc/gone 0123456789abcdef0123456789abcdef

Package: bash
Status: hold ok installed
Essential: yes
Architecture: amd64
Source: bash (5.2.15-2)
Version: 5.2.15-2+b8
Depends: base-files (>= 2.1.12), debianutils (>= 5.6-0.1)
Conffiles:
 /etc/skel/.bashrc ee35a240758f374832e809ae0ea4883a
 /etc/with space ee35a240758f374832e809ae0ea4883a obsolete
 /etc/../../x ee35a240758f374832e809ae0ea4883a

Package: ../../evil
Status: install ok installed
Architecture: amd64
Version: 1

Package: worse
Status: install ok installed
Architecture: amd64
Version: 1; rm -rf /
`;

function makeRoot(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'repronim-database-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

test('packages as dpkg has them; what is hostile costs itself, and a note', async (t) => {
  const root = makeRoot(t, {
    '/var/lib/dpkg/status': status,
    '/var/lib/dpkg/arch': 'amd64\ni386\n../x\n',
    '/var/lib/dpkg/info/libc6:amd64.list': '/.\n/lib\n/lib/libc.so.6\n',
    '/var/lib/dpkg/info/libc6:i386.list': '/.\n/lib\n/lib/ld-linux.so.2\n',
    '/var/lib/dpkg/info/bash.list': '/.\n/bin\n/bin/bash\n/usr/../../etc/shadow\n',
  });
  const database = await readDatabase(localRoot(root));
  assert.deepEqual(
    database.packages.map(({ key }) => key),
    ['bash:amd64', 'libc6:amd64', 'libc6:i386'],
  );
  assert.deepEqual(database.architectures, ['amd64', 'i386']);
  const bash = database.byKey.get('bash:amd64');
  assert.deepEqual([bash?.hold, bash?.source, bash?.sourceVersion], [true, 'bash', '5.2.15-2']);
  assert.deepEqual(
    bash?.conffiles.map(({ path, obsolete }) => [path, obsolete]),
    [
      ['/etc/skel/.bashrc', false],
      ['/etc/with space', true],
    ],
  );
  assert.equal(database.notes.filter(({ kind }) => kind === 'unreadable').length, 2);
  const owners = await claim(
    ['/lib/libc.so.6', '/lib/ld-linux.so.2', '/bin/bash', '/etc/gone', '/etc/shadow'],
    localRoot(root),
  );
  assert.deepEqual(
    [...owners].map(([path, [owner]]) => [path, owner?.key]),
    [
      ['/lib/libc.so.6', 'libc6:amd64'],
      ['/lib/ld-linux.so.2', 'libc6:i386'],
      ['/bin/bash', 'bash:amd64'],
    ],
  );
  const closure = findClosure(database, ['bash:amd64'], []);
  assert.deepEqual(
    closure.notes.map(({ text }) => text),
    [
      'bash depends on base-files (>= 2.1.12), which is not installed',
      'bash depends on debianutils (>= 5.6-0.1), which is not installed',
    ],
  );
});

test("distroless images: one file a package in dpkg's status.d", async (t) => {
  const root = makeRoot(t, {
    '/var/lib/dpkg/status.d/base': 'Package: base-files\nVersion: 12.4+deb12u11\nArchitecture: amd64\n',
    '/var/lib/dpkg/status.d/base.md5sums': '0123456789abcdef0123456789abcdef  usr/share/base-files/motd\n',
    '/etc/os-release': 'ID=debian\n',
  });
  const owners = await claim(['/usr/share/base-files/motd', '/usr/bin/x'], localRoot(root));
  assert.deepEqual([...owners], [['/usr/share/base-files/motd', [{ key: 'base-files:amd64' }]]]);
});

test('a list that leads out of the root is not followed, one that is missing costs its package', async (t) => {
  const directory = smallDebian(t, {
    packages: [
      { name: 'good', version: '1', files: { '/usr/bin/good': 'x' } },
      { name: 'bad', version: '1', files: { '/usr/bin/bad': 'x' } },
    ],
  });
  rmSync(join(directory, 'var/lib/dpkg/info/bad.list'));
  symlinkSync('/etc/hostname', join(directory, 'var/lib/dpkg/info/bad.list'));
  const root = localRoot(directory);
  const owners = await claim(['/usr/bin/good', '/usr/bin/bad'], root);
  assert.deepEqual([...owners.keys()], ['/usr/bin/good']);
});

test('alternatives and virtual packages by what is installed', async (t) => {
  const directory = smallDebian(t, {
    packages: [
      { name: 'a', version: '1', fields: { Depends: 'x | v, w (>= 2), n:any' }, files: {} },
      { name: 'provider', version: '1', fields: { Provides: 'v, w (= 3)' }, files: {} },
      { name: 'another', version: '1', fields: { Provides: 'v, w' }, files: {} },
      { name: 'n', version: '1', fields: { 'Multi-Arch': 'allowed' }, files: {} },
      { name: 'apart', version: '1', files: {} },
    ],
  });
  const database = await readDatabase(localRoot(directory));
  const keys = (used: readonly string[]) => [...findClosure(database, used, []).packages.keys()].sort();
  assert.deepEqual(keys(['a:amd64']), ['a:amd64', 'another:amd64', 'n:amd64', 'provider:amd64']);
  assert.deepEqual(
    keys(['a:amd64', 'provider:amd64']),
    ['a:amd64', 'n:amd64', 'provider:amd64'],
    'what is used anyway is taken',
  );
});
