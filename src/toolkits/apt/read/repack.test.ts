import assert from 'node:assert/strict';
import { chmodSync, chownSync, linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { smallDebian } from '../../../../test/fakes/small-debian.ts';
import { contexts } from '../../../../test/fakes/contexts.ts';
import { localRoot } from '../../../roots/local.ts';
import { runProcess } from '../../../sessions/process.ts';
import { readAccounts } from './accounts.ts';
import { readAttribution } from './attribution.ts';
import { repack } from './repack.ts';

const long = `/usr/share/doc/perl/${'very-'.repeat(20)}long/name of a file with spaces`;

function makeRoot(t: TestContext): string {
  const directory = smallDebian(t, {
    packages: [
      {
        name: 'perl',
        version: '5.36.0-7',
        fields: { Priority: 'standard' },
        files: {
          '/bin/perl': 'ELF perl',
          '/usr/bin/perlbug': 'bug',
          '/usr/bin/perlthanks': 'replaced by a hard link',
          '/usr/bin/link': '-> perl5.36',
          '/etc/perl.conf': 'conf\n',
          [long]: 'long',
        },
        folders: ['/bin/gone'],
        conffiles: ['/etc/perl.conf'],
        control: { postinst: '#!/bin/sh\nexit 0\n', list2: 'kept' },
      },
      { name: 'other', version: '1', files: { '/usr/bin/other': 'x' } },
    ],
    files: {
      '/var/lib/dpkg/diversions': '/usr/bin/perlbug\n/usr/bin/perlbug.real\nother\n',
      '/usr/bin/perlbug.real': 'the true bug',
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nman:x:6:12:man:/:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n',
      '/etc/group': 'root:x:0:\nshadow:x:42:\n',
    },
  });
  writeFileSync(join(directory, 'usr/bin/unlisted'), 'not of the package');
  linkSync(join(directory, 'bin/perl'), join(directory, 'usr/bin/perl.hard'));
  return directory;
}

async function pack(directory: string): Promise<Buffer> {
  const root = localRoot(directory);
  const attribution = await readAttribution(root);
  const one = attribution.database.byKey.get('perl:amd64');
  assert.ok(one);
  const made = await repack(root, one, attribution, await readAccounts(root));
  assert.deepEqual(made.unreadable, []);
  const chunks: Uint8Array[] = [];
  for await (const chunk of made.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('a package is put together again as dpkg-deb reads it, with diverted files under their own names', async (t) => {
  const directory = makeRoot(t);
  if (process.getuid?.() === 0) {
    chownSync(join(directory, 'usr/bin/perlbug.real'), 0, 42);
    chmodSync(join(directory, 'usr/bin/perlbug.real'), 0o2755);
    chownSync(join(directory, 'usr/bin/perlthanks'), 1000, 1000);
    chmodSync(join(directory, 'usr/bin/perlthanks'), 0o4755);
  }
  const { folder } = contexts(t);
  const file = join(folder, 'perl.deb');
  writeFileSync(file, await pack(directory));
  const fields = (await runProcess(['dpkg-deb', '--field', file])).stdout.toString();
  assert.match(fields, /^Package: perl\n/);
  assert.doesNotMatch(fields, /^(?:Status|Conffiles):/m);
  await runProcess(['dpkg-deb', '--raw-extract', file, join(folder, 'x')]);
  const read = async (path: string) => (await runProcess(['cat', '--', join(folder, 'x', path)])).stdout.toString();
  assert.equal(await read('bin/perl'), 'ELF perl');
  assert.equal(await read('usr/bin/perlbug'), 'the true bug');
  assert.equal(await read(long), 'long');
  assert.equal(await read('DEBIAN/conffiles'), '/etc/perl.conf\n');
  assert.match(await read('DEBIAN/md5sums'), /^[0-9a-f]{32} {2}bin\/perl\n/m);
  const listing = (await runProcess(['dpkg-deb', '--contents', file])).stdout.toString();
  assert.match(listing, /usr\/bin\/link -> perl5\.36/);
  assert.doesNotMatch(listing, /unlisted|gone/);
  if (process.getuid?.() === 0) {
    assert.match(listing, /^-rwxr-sr-x root\/shadow .*perlbug$/m, 'numbers that are the same everywhere are kept');
    assert.match(listing, /^-rwxr-xr-x root\/root .*perlthanks$/m, 'others are given by scripts, which run again');
  }
});

test('the same bytes each time, whenever folders were touched', async (t) => {
  const directory = makeRoot(t);
  const first = await pack(directory);
  writeFileSync(join(directory, 'usr/bin/newcomer'), 'touches the folder');
  assert.ok(first.equals(await pack(directory)));
});

test('hard links stay hard links', async (t) => {
  const directory = smallDebian(t, {
    packages: [{ name: 'perl', version: '1', files: { '/usr/bin/a': 'same' }, folders: ['/usr/bin/b'] }],
  });
  linkSync(join(directory, 'usr/bin/a'), join(directory, 'usr/bin/b'));
  const { folder } = contexts(t);
  writeFileSync(join(folder, 'perl.deb'), await pack(directory));
  const listing = (await runProcess(['dpkg-deb', '--contents', join(folder, 'perl.deb')])).stdout.toString();
  assert.match(listing, /^h.* \.\/usr\/bin\/b link to \.\/usr\/bin\/a$/m);
});
