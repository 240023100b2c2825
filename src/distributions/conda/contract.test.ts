import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { layInto, lockRows, smallBuilds } from '../../../test/fakes/conda-prefix.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { testDistribution } from '../../../test/contract/distribution.ts';
import { localRoot } from '../../roots/local.ts';
import { conda } from './index.ts';

testDistribution({
  distribution: conda,
  async place(t) {
    const here = contexts(t);
    const root = join(here.folder, 'root');
    const path = '/home/u/env';
    const { rows } = await lockRows(smallBuilds, here, 'https://conda.example.org/main');
    await layInto(root, { type: 'conda', path }, { packages: rows }, here);
    const site = `${path}/lib/python3.11/site-packages`;
    mkdirSync(join(root, `${site}/tiny-1.0.dist-info`), { recursive: true });
    writeFileSync(
      join(root, `${site}/tiny-1.0.dist-info/METADATA`),
      'Metadata-Version: 2.1\nName: Tiny\nVersion: 1.0\n',
    );
    writeFileSync(join(root, `${site}/tiny-1.0.dist-info/RECORD`), 'tiny.py,,\n../../../bin/tiny,,\n');
    writeFileSync(join(root, `${site}/tiny.py`), 'x = 1\n');
    mkdirSync(join(root, `${path}/pkgs`));
    writeFileSync(join(root, `${path}/pkgs/urls.txt`), '');
    for (const file of [`${path}/src/.git/HEAD`, `${path}/src/untracked`, `${path}/venv/pyvenv.cfg`]) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '');
    }
    mkdirSync(join(root, '/home/u/other'));
    writeFileSync(join(root, '/home/u/other/file'), '');
    mkdirSync(join(here.folder, 'empty'));
    const broken = join(here.folder, 'broken');
    cpSync(root, broken, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(broken, `${path}/conda-meta/libdemo-1.2-h0_0.json`), '{"name": "libdemo", ');
    const mine = [
      `${path}/bin/python3.11`,
      `${path}/lib/libdemo.so`,
      `${path}/share/both`,
      `${path}/conda-meta/history`,
      `${site}/tiny.py`,
    ];
    return {
      root: localRoot(root),
      mine,
      others: [
        `${path}/src/untracked`,
        `${path}/venv/pyvenv.cfg`,
        `${path}/pkgs/urls.txt`,
        '/home/u/other/file',
        '/home/u',
        `${path}/lib/gone`,
      ],
      empty: localRoot(join(here.folder, 'empty')),
      broken: { root: localRoot(broken), mine },
    };
  },
});
