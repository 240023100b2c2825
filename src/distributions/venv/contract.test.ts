import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { venv } from './index.ts';

const top = '/home/u/env';
const site = `${top}/lib/python3.11/site-packages`;

// as `python3 -m venv` and pip 23.0.1 leave it, cut short
const files: Readonly<Record<string, string>> = {
  [`${top}/pyvenv.cfg`]: 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n',
  [`${top}/bin/activate`]: '# This file must be used with "source bin/activate" *from bash*\n',
  [`${top}/bin/small`]: `#!${top}/bin/python3\nprint()\n`,
  [`${site}/small/__init__.py`]: 'x = 1\n',
  [`${site}/small/__pycache__/__init__.cpython-311.pyc`]: 'compiled',
  [`${site}/small-1.0.dist-info/METADATA`]: 'Metadata-Version: 2.1\nName: small\nVersion: 1.0\n\nText\n',
  [`${site}/small-1.0.dist-info/INSTALLER`]: 'pip\n',
  [`${site}/small-1.0.dist-info/REQUESTED`]: '',
  [`${site}/small-1.0.dist-info/RECORD`]: `../../../bin/small,,
small-1.0.dist-info/INSTALLER,sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg,4
small-1.0.dist-info/METADATA,,
small-1.0.dist-info/RECORD,,
small-1.0.dist-info/REQUESTED,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
small/__init__.py,sha256=REolZuibNg8H3vHQzCTqGlRd41XZ7XyHFxEWb6wP__Q,6
small/__pycache__/__init__.cpython-311.pyc,,
`,
  [`${site}/other-2.dist-info/METADATA`]: 'Name: other\nVersion: 2\n',
  [`${site}/other-2.dist-info/RECORD`]: 'other.py,,\nother-2.dist-info/RECORD,,\nother-2.dist-info/METADATA,,\n',
  [`${site}/other.py`]: 'y = 2\n',
  [`${site}/dropped.py`]: 'by hand\n',
  // an environment within a folder of packages of another one
  [`${site}/tools/env/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
  [`${site}/tools/env/lib/python3.11/site-packages/inner.py`]: 'z = 3\n',
  [`${site}/tools/env/lib/python3.11/site-packages/inner-3.dist-info/METADATA`]: 'Name: inner\nVersion: 3\n',
  [`${site}/tools/env/lib/python3.11/site-packages/inner-3.dist-info/RECORD`]:
    'inner.py,,\ninner-3.dist-info/RECORD,,\n',
  '/usr/bin/python3': 'ELF',
  '/home/u/plain/lib/python3.11/site-packages/x.py': '',
};

testDistribution({
  distribution: venv,
  async place(t) {
    const { folder } = contexts(t);
    const lay = (name: string, less: Readonly<Record<string, string | undefined>> = {}) => {
      const root = join(folder, name);
      for (const [path, content] of Object.entries({ ...files, ...less })) {
        mkdirSync(join(root, dirname(path)), { recursive: true });
        if (content !== undefined) writeFileSync(join(root, path), content);
      }
      symlinkSync('/usr/bin/python3', join(root, top, 'bin/python3'));
      symlinkSync('lib', join(root, top, 'lib64'));
      return localRoot(root);
    };
    mkdirSync(join(folder, 'empty'));
    const cut = 'small/__init__.py,sha256=REolZuibNg8H3vHQ';
    return {
      root: lay('root'),
      mine: [
        `${top}/pyvenv.cfg`,
        `${top}/lib64`,
        `${top}/bin/python3`,
        `${top}/bin/small`,
        `${site}/small/__init__.py`,
        `${site}/small/__pycache__/__init__.cpython-311.pyc`,
        `${site}/small-1.0.dist-info/METADATA`,
        `${site}/other.py`,
        `${site}/tools/env/pyvenv.cfg`,
        `${site}/tools/env/lib/python3.11/site-packages/inner.py`,
      ],
      others: [
        `${site}/dropped.py`,
        `${site}/not-there.py`,
        '/usr/bin/python3',
        '/home/u/plain/lib/python3.11/site-packages/x.py',
        '/',
      ],
      empty: localRoot(join(folder, 'empty')),
      broken: {
        root: lay('broken', { [`${site}/small-1.0.dist-info/RECORD`]: cut }),
        mine: [`${site}/small/__init__.py`, `${site}/other.py`],
      },
    };
  },
});
