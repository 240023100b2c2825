import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { lay } from '../../../test/fakes/lay.ts';
import { localRoot } from '../../roots/local.ts';
import { npm } from './index.ts';
import { project } from '../../../test/fakes/npm-project.ts';

testDistribution({
  distribution: npm,
  async place(t) {
    const { folder } = contexts(t);
    const root = join(folder, 'root');
    const broken = join(folder, 'broken');
    lay(root, project);
    lay(broken, project);
    writeFileSync(join(broken, 'home/u/study/node_modules/.package-lock.json'), '{"name": "stu');
    writeFileSync(join(broken, 'home/u/study/node_modules/semver/package.json'), '{');
    mkdirSync(join(folder, 'empty'));
    const mine = [
      '/home/u/study/node_modules/.bin/semver',
      '/home/u/study/node_modules/.package-lock.json',
      '/home/u/study/node_modules/@sindresorhus/is/index.js',
      '/home/u/study/node_modules/semver/bin/semver.js',
      '/home/u/study/node_modules/semver/test/node_modules/fixture.js',
      '/home/u/study/packages/w/node_modules/left-pad/index.js',
      '/usr/local/bin/tool',
      '/usr/local/lib/node_modules/@lab/tool/cli.js',
    ];
    return {
      root: localRoot(root),
      mine,
      others: [
        '/home/u/study/index.js',
        '/home/u/study/node_modules/gone.js',
        '/home/u/study/packages/w/index.js',
        '/usr/local/bin/other',
        '/usr/local/lib/other.so',
        '/home/u/node_modules',
      ],
      empty: localRoot(join(folder, 'empty')),
      broken: { root: localRoot(broken), mine },
    };
  },
});
