import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { fakeAnnex, fakeKey } from '../../../test/fakes/annex.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { objectPath } from '../../toolkits/vcs/annex/key.ts';
import { annex } from './index.ts';

const content = 'annexed\n';
const files = {
  locked: { 'data/in.dat': content, 'unused.dat': 'not used\n' },
  unlocked: { 'free.txt': 'unlocked\n', 'idle.txt': 'not used either\n' },
  plain: { 'code.py': 'pass\n' },
};

testDistribution({
  distribution: annex,
  async place(t) {
    const { folder } = contexts(t);
    await fakeAnnex(join(folder, 'root/data/ds'), files);
    writeFileSync(join(folder, 'root/data/ds/untracked'), '');
    await fakeAnnex(join(folder, 'broken/good'), files);
    mkdirSync(join(folder, 'broken/good/data/.git'));
    mkdirSync(join(folder, 'empty'));
    const at = '/data/ds';
    const object = `${at}/.git/${objectPath(fakeKey('data/in.dat', content))}`;
    return {
      root: localRoot(join(folder, 'root')),
      mine: [at, `${at}/data`, `${at}/data/in.dat`, object, `${at}/free.txt`, `${at}/.git/HEAD`, `${at}/code.py`],
      others: ['/data', `${at}/untracked`, `${at}/data/gone`, '/'],
      empty: localRoot(join(folder, 'empty')),
      broken: { root: localRoot(join(folder, 'broken')), mine: ['/good/code.py', '/good/data/in.dat'] },
    };
  },
});
