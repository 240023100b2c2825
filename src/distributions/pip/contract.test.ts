import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { pip } from './index.ts';

const site = '/home/u/.local/lib/python3.11/site-packages';

// as `pip install --user` leaves it, cut short; and a package of Debian's beside
const files: Readonly<Record<string, string>> = {
  '/home/u/.local/bin/small': '#!/usr/bin/python3\nprint()\n',
  '/home/u/.local/bin/by-hand': '',
  [`${site}/small.py`]: 'x = 1\n',
  [`${site}/small-1.0.dist-info/METADATA`]: 'Name: small\nVersion: 1.0\nRequires-Dist: Needed_One (>=1)\n\nText\n',
  [`${site}/small-1.0.dist-info/INSTALLER`]: 'pip\n',
  [`${site}/small-1.0.dist-info/RECORD`]:
    '../../../bin/small,,\nsmall.py,,\nsmall-1.0.dist-info/RECORD,,\nsmall-1.0.dist-info/METADATA,,\n',
  [`${site}/needed_one-1.dist-info/METADATA`]: 'Name: needed-one\nVersion: 1\n',
  [`${site}/needed_one-1.dist-info/RECORD`]: 'needed_one-1.dist-info/RECORD,,\nneeded_one.py,,\n',
  [`${site}/needed_one.py`]: '',
  [`${site}/unused-3.egg-info`]: 'Name: unused\nVersion: 3\n',
  '/usr/lib/python3/dist-packages/six.py': '',
  '/usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA': 'Name: six\nVersion: 1.16.0\n',
  '/usr/lib/python3/dist-packages/six-1.16.0.dist-info/INSTALLER': 'debian',
  '/usr/lib/python3/dist-packages/six-1.16.0.dist-info/RECORD': 'six.py,,\nsix-1.16.0.dist-info/RECORD,,\n',
};

testDistribution({
  distribution: pip,
  async place(t) {
    const { folder } = contexts(t);
    const lay = (name: string, changed: Readonly<Record<string, string>> = {}) => {
      const root = join(folder, name);
      for (const [path, content] of Object.entries({ ...files, ...changed })) {
        mkdirSync(join(root, dirname(path)), { recursive: true });
        writeFileSync(join(root, path), content);
      }
      return localRoot(root);
    };
    mkdirSync(join(folder, 'empty'));
    return {
      root: lay('root'),
      mine: ['/home/u/.local/bin/small', `${site}/small.py`, `${site}/small-1.0.dist-info/METADATA`],
      others: ['/home/u/.local/bin/by-hand', `${site}/gone.py`, '/usr/lib/python3/dist-packages/six.py', '/'],
      empty: localRoot(join(folder, 'empty')),
      broken: {
        root: lay('broken', {
          [`${site}/needed_one-1.dist-info/RECORD`]: 'needed',
          [`${site}/needed_one-1.dist-info/METADATA`]: '',
        }),
        mine: ['/home/u/.local/bin/small', `${site}/small.py`],
      },
    };
  },
});
