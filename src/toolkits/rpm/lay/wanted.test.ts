import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contexts } from '../../../../test/fakes/contexts.ts';
import type { RpmLock, RpmSpec } from '../spec.ts';
import { parseMirrors, wanted } from './wanted.ts';

const sha256 = 'a'.repeat(64);
const lock: RpmLock = {
  of: `sha256:${sha256}`,
  database: { path: '/var/lib/rpm', format: 'sqlite' },
  packages: [
    {
      name: 'tool',
      version: '1:1.0-1.el8',
      architecture: 'x86_64',
      from: 'baseos',
      path: 'Packages/tool-1.0+a-1.el8.x86_64.rpm',
      size: 1,
      sha256,
      why: 'used',
    },
    { name: 'own', version: '1-1', architecture: 'noarch', size: 1, sha256, why: 'used', repacked: true },
  ],
};
const spec: RpmSpec = {
  type: 'redhat',
  vendor: 'centos',
  release: '8',
  sources: [{ name: 'baseos', uri: ['https://one.example.org/os/', 'https://two.example.org/os'] }],
};

test('a package is looked for at the recorded addresses, then in the archives of the settings', async (t) => {
  for (const archives of [
    ['https://vault.example.org/{vendor}/{release}/{repository}/{architecture}/os', 'ftp://x', 7],
    { baseos: 'https://vault.example.org/{vendor}/{release}/{repository}/{architecture}/os', other: 'https://x' },
  ]) {
    const { creating } = contexts(t, { archives });
    const urls = await Promise.all(
      (await wanted(spec, lock, creating)).map(async ({ sources }) =>
        (await Array.fromAsync(sources())).map(({ kind, url }) => `${kind} ${url}`),
      ),
    );
    const file = 'Packages/tool-1.0%2Ba-1.el8.x86_64.rpm';
    assert.deepEqual(urls, [
      [
        `repository https://one.example.org/os/${file}`,
        `repository https://two.example.org/os/${file}`,
        // the entry does not say its architecture: that of its packages
        `archive https://vault.example.org/centos/8/baseos/x86_64/os/${file}`,
      ],
      [],
    ]);
  }
});

test('lists of mirrors are read in both of their forms, https first where they are many', () => {
  assert.deepEqual(parseMirrors('# a list\nhttp://one.example.org/os\nftp://no\nhttps://two.example.org/os/\n'), [
    'http://one.example.org/os',
    'https://two.example.org/os/',
  ]);
  const metalink = `<metalink><url protocol="http">http://b.example.org/os/repodata/repomd.xml</url>
    <url>https://a.example.org/os/repodata/repomd.xml</url><url>https://c.example.org/elsewhere.xml</url></metalink>`;
  assert.deepEqual(parseMirrors(metalink), ['https://a.example.org/os', 'http://b.example.org/os']);
});
