import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listName, parseDeb822, parseOneLine } from './sources.ts';

test('the one-line form, with options, comments, a flat repository, and a secret', () => {
  const entries = parseOneLine(`
# deb http://no.example/debian bookworm main
deb-src http://src.example/debian bookworm main
deb [arch=amd64,i386 signed-by=/usr/share/keyrings/neuro.gpg] http://u:p@neuro.example/debian/ bookworm main contrib # why
deb https://flat.example/repo ./
deb http://broken.example/debian ../../etc main
`);
  assert.deepEqual(entries, [
    {
      uri: 'http://neuro.example/debian',
      listed: 'http://u:p@neuro.example/debian',
      suite: 'bookworm',
      components: ['main', 'contrib'],
      architectures: ['amd64', 'i386'],
      signedBy: { files: ['/usr/share/keyrings/neuro.gpg'], fingerprints: [] },
    },
    {
      uri: 'https://flat.example/repo',
      listed: 'https://flat.example/repo',
      suite: './',
      components: [],
      architectures: [],
      signedBy: undefined,
    },
  ]);
});

test('the other form, with an embedded key and one that is off', () => {
  const entries = parseDeb822(`Types: deb deb-src
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEXmFkWRYJ
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://off.example/
Suites: stable
Components: main
Enabled: no
`);
  assert.deepEqual(
    entries.map(({ suite }) => suite),
    ['bookworm', 'bookworm-updates'],
  );
  assert.equal(
    entries[0]?.signedBy?.embedded,
    '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEXmFkWRYJ\n-----END PGP PUBLIC KEY BLOCK-----',
  );
});

test('names of lists, as apt makes them', () => {
  assert.equal(listName('http://u:p@127.0.0.1:8080/a_b/dists/x/InRelease'), '127.0.0.1:8080_a%5fb_dists_x_InRelease');
  assert.equal(listName('file:/srv/repo/./Packages').startsWith('_srv_repo'), true);
});
