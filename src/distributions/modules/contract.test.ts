import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { modules } from './index.ts';

const files = {
  '/opt/mf/foo/1.3': '#%Module1.0\nmodule-whatis "foo 1.3"\nconflict foo\nprepend-path PATH /opt/foo/1.3/bin\n',
  '/opt/mf/bar/1.lua': 'load("foo/1.3")\nsetenv("BAR", "1")\n',
  '/opt/mf/foo/.version': '#%Module1.0\nset ModulesVersion 1.3\n',
  '/opt/foo/1.3/bin/foo': '#!/bin/sh\n',
  '/opt/foo/1.3/lib/data': 'x',
  '/opt/foo/1.2/bin/foo': '#!/bin/sh\n',
  '/usr/bin/x': 'x',
};

testDistribution({
  distribution: modules,
  async place(t) {
    const { folder } = contexts(t);
    const root = join(folder, 'root');
    const lay = (below: string) => {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(join(below, dirname(path)), { recursive: true });
        writeFileSync(join(below, path), content);
      }
    };
    lay(root);
    mkdirSync(join(folder, 'empty'));
    const broken = join(folder, 'broken');
    lay(broken);
    writeFileSync(join(broken, '/opt/mf/bar/1.lua'), Buffer.alloc(2 * 1024 * 1024, 'x'));
    return {
      root: localRoot(root),
      mine: ['/opt/foo/1.3/bin/foo', '/opt/foo/1.3/lib/data', '/opt/mf/bar/1.lua', '/opt/mf/foo/1.3'],
      others: ['/opt/foo/1.2/bin/foo', '/usr/bin/x', '/opt/mf', '/opt/foo/1.3/.ssh/id_rsa'],
      empty: localRoot(join(folder, 'empty')),
      ran: {
        env: {
          LOADEDMODULES: 'foo/1.3:bar/1',
          _LMFILES_: '/opt/mf/foo/1.3:/opt/mf/bar/1.lua',
          MODULEPATH: '/opt/mf:/usr/share/modules/$MODULE_VERSION/modulefiles',
          PATH: '/opt/foo/1.3/bin:/usr/bin',
          BAR: '1',
        },
        directory: '/work',
        programs: [],
      },
      broken: { root: localRoot(broken), mine: ['/opt/foo/1.3/bin/foo', '/opt/mf/foo/1.3'] },
    };
  },
});
