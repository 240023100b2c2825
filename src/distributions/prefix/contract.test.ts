import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { prefix } from './index.ts';

testDistribution({
  distribution: prefix,
  async place(t) {
    const { folder } = contexts(t);
    const root = join(folder, 'root');
    const node = '/home/u/.nvm/versions/node/v20.11.1';
    for (const path of [
      `${node}/bin/node`,
      `${node}/include/node/node_version.h`,
      '/opt/tool/run',
      '/opt/loose',
      '/usr/bin/x',
    ]) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), path);
    }
    symlinkSync('node', join(root, node, 'bin/nodejs'));
    mkdirSync(join(folder, 'empty'));
    return {
      root: localRoot(root),
      mine: [`${node}/bin/node`, `${node}/bin/nodejs`],
      others: ['/opt/loose', '/usr/bin/x', '/home/u/.ssh/key', '/home/u/bin/x', '/'],
      empty: localRoot(join(folder, 'empty')),
    };
  },
});
