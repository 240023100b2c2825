import assert from 'node:assert/strict';
import { test } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { libraryPlace } from '../../../test/fakes/library-place.ts';
import { parseDescription } from './description.ts';
import { r } from './index.ts';

/** As R CMD INSTALL wrote it. */
const labuse = `Package: labuse
Title: Uses
Version: 1.0-2
Authors@R: person("A", "B", email = "a@example.org", role = c("aut", "cre"))
Description: Uses.
Imports: labpad (>= 0.3), stats,
        jsonlite
License: GPL-3
Author: A B [aut, cre]
Maintainer: A B <a@example.org>
Built: R 4.2.2; ; 2026-11-24 12:28:16 UTC; unix
`;
const labpad = `Package: labpad
Version: 0.3.1
Repository: LAB
Built: R 4.2.2; x86_64-pc-linux-gnu; 2026-11-24 12:28:15 UTC; unix
RemoteType: github
RemoteHost: api.github.com
RemoteRepo: labpad
RemoteUsername: lab
RemoteSha: 5b8a3a7765dfe001261dde915589e782f8c94d1e
`;
const site = '/usr/local/lib/R/site-library';
const cache = '/home/u/.cache/R/renv/cache/v5/R-4.2/x86_64-pc-linux-gnu';
const hash = '0c6b27b6e4b1dc7c92b0ab1f5e2ad6a5';
const mine = {
  [`${site}/labuse/DESCRIPTION`]: labuse,
  [`${site}/labuse/Meta/package.rds`]: 'rds',
  [`${site}/labuse/R/labuse.rdb`]: 'code',
  [`${cache}/labpad/0.3.1/${hash}/labpad/DESCRIPTION`]: labpad,
  [`${cache}/labpad/0.3.1/${hash}/labpad/Meta/package.rds`]: 'rds',
  '/home/u/study/renv/library/R-4.2/x86_64-pc-linux-gnu/labpad': `-> ${cache}/labpad/0.3.1/${hash}/labpad`,
};
const unused = {
  [`${site}/labpad/DESCRIPTION`]: labpad,
  [`${site}/labpad/Meta/package.rds`]: 'rds',
  [`${site}/labpad/R/labpad.rdb`]: 'code',
};
const others = {
  '/home/u/study/DESCRIPTION': labuse,
  '/home/u/study/R/use.R': 'use <- pad\n',
  [`${site}/loose.R`]: '',
};

testDistribution({
  distribution: r,
  place: async (t) => libraryPlace(t, { ...mine, ...unused }, others),
});

test('what is used, what that imports, and where the rest may be', async (t) => {
  const { root } = libraryPlace(t, { ...mine, ...unused }, others);
  const context = contexts(t).tracing;
  const owned = await r.claim([`${site}/labuse/R/labuse.rdb`, ...Object.keys(mine)], root, context);
  const { distributions, leads } = await r.describe(owned, root, context);
  assert.deepEqual(
    distributions.map(({ spec, lock, summary }) => [spec.path, spec.packages, lock.packages, summary]),
    [
      [
        cache,
        ['labpad@0.3.1'],
        [
          {
            path: `labpad/0.3.1/${hash}/labpad`,
            name: 'labpad',
            version: '0.3.1',
            repacked: true,
            built: '4.2.2',
            remote: 'github::lab/labpad@5b8a3a7765dfe001261dde915589e782f8c94d1e',
          },
        ],
        '1 R library (1 package)',
      ],
      [
        '/home/u/study/renv/library/R-4.2/x86_64-pc-linux-gnu',
        ['labpad@0.3.1'],
        [
          {
            path: 'labpad',
            name: 'labpad',
            version: '0.3.1',
            repacked: true,
            built: '4.2.2',
            remote: 'github::lab/labpad@5b8a3a7765dfe001261dde915589e782f8c94d1e',
          },
        ],
        '1 R library (1 package)',
      ],
      [
        site,
        ['labuse@1.0-2'],
        [
          {
            path: 'labpad',
            name: 'labpad',
            version: '0.3.1',
            repacked: true,
            built: '4.2.2',
            remote: 'github::lab/labpad@5b8a3a7765dfe001261dde915589e782f8c94d1e',
          },
          { path: 'labuse', name: 'labuse', version: '1.0-2', repacked: true, built: '4.2.2' },
        ],
        '1 R library (2 packages)',
      ],
    ],
  );
  assert.deepEqual(leads, [
    '/usr/lib/R/library/jsonlite/DESCRIPTION',
    '/usr/lib/R/site-library/jsonlite/DESCRIPTION',
    '/usr/lib64/R/library/jsonlite/DESCRIPTION',
  ]);
  assert.deepEqual(r.activate?.({ type: 'r', path: cache }), [{ do: 'prepend', name: 'R_LIBS', value: cache }]);
});

test('a DESCRIPTION that is none is none', () => {
  for (const text of ['', 'Package: ../x\nVersion: 1\n', 'Version: 1\n', '\0\n:', 'Package: a\n']) {
    assert.equal(parseDescription(text), undefined);
  }
});
