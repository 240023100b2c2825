import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { inRelease, offered, smallDebian, stableFingerprint, stableKey } from '../../../test/fakes/small-debian.ts';
import { localRoot } from '../../roots/local.ts';
import { debian } from '../debian/index.ts';
import { ubuntu } from './index.ts';

const lists = '/var/lib/apt/lists';
const noble =
  'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n';

/** As Ubuntu has it: deb822 sources, a PPA with its key in the file, and no lists of the PPA's other suite. */
function small(t: TestContext): string {
  return smallDebian(t, {
    packages: [
      {
        name: 'base-files',
        version: '13ubuntu10',
        fields: { Essential: 'yes' },
        files: { '/usr/lib/os-release': noble },
      },
      {
        name: 'python3.13',
        version: '3.13.1-1+noble1',
        fields: { Depends: 'libc6' },
        files: { '/usr/bin/python3.13': 'ELF' },
      },
      {
        name: 'libc6',
        version: '2.39-0ubuntu8.3',
        fields: { 'Multi-Arch': 'same' },
        files: { '/usr/lib/libc.so.6': 'ELF' },
      },
    ],
    files: {
      '/etc/apt/sources.list.d/ubuntu.sources':
        'Types: deb\nURIs: http://archive.ubuntu.example/ubuntu/\nSuites: noble noble-updates\nComponents: main universe\nSigned-By: /usr/share/keyrings/ubuntu.gpg\n',
      '/etc/apt/sources.list.d/deadsnakes-ubuntu-ppa-noble.sources': `Types: deb\nURIs: https://ppa.example/deadsnakes/ppa/ubuntu/\nSuites: noble\nComponents: main\nSigned-By:\n${stableKey
        .trimEnd()
        .split('\n')
        .map((line) => ` ${line === '' ? '.' : line}\n`)
        .join('')}`,
      [`${lists}/archive.ubuntu.example_ubuntu_dists_noble_InRelease`]: inRelease({
        Origin: 'Ubuntu',
        Label: 'Ubuntu',
        Suite: 'noble',
        Codename: 'noble',
      }),
      [`${lists}/archive.ubuntu.example_ubuntu_dists_noble_main_binary-amd64_Packages`]:
        offered('libc6', '2.39-0ubuntu8.3') + offered('base-files', '13ubuntu10'),
      [`${lists}/ppa.example_deadsnakes_ppa_ubuntu_dists_noble_InRelease`]: inRelease({
        Origin: 'LP-PPA-deadsnakes',
        Label: 'New Python Versions',
        Suite: 'noble',
        Codename: 'noble',
      }),
      [`${lists}/ppa.example_deadsnakes_ppa_ubuntu_dists_noble_main_binary-amd64_Packages`]: offered(
        'python3.13',
        '3.13.1-1+noble1',
      ),
    },
  });
}

testDistribution({
  distribution: ubuntu,
  async place(t) {
    const empty = contexts(t).folder;
    mkdirSync(join(empty, 'etc'), { recursive: true });
    return {
      root: localRoot(small(t)),
      mine: ['/usr/bin/python3.13', '/usr/lib/libc.so.6'],
      others: ['/usr/bin/python3.14', '/usr/local/bin/x'],
      empty: localRoot(empty),
    };
  },
});

test('Ubuntu is not Debian, and a PPA is neither', async (t) => {
  const root = localRoot(small(t));
  const { tracing } = contexts(t);
  assert.equal((await debian.claim(['/usr/bin/python3.13'], root, tracing)).size, 0);
  const owned = await ubuntu.claim(['/usr/bin/python3.13'], root, tracing);
  const { distributions } = await ubuntu.describe(owned, root, tracing);
  const [one] = distributions;
  assert.equal(one?.summary, '1 Ubuntu package');
  assert.deepEqual([one?.spec.type, one?.spec.vendor, one?.spec.release], ['ubuntu', undefined, 'noble']);
  assert.deepEqual(
    one?.spec.sources?.map(({ name, 'signed-by': key }) => [name, key]),
    [
      ['new-python-versions', stableFingerprint],
      ['ubuntu', undefined],
    ],
  );
  const python = one?.lock.packages.find(({ name }) => name === 'python3.13');
  assert.equal(python?.from, 'new-python-versions/noble/main');
  assert.deepEqual(Object.keys(one?.lock.keys ?? {}), [stableFingerprint]);
});
