import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { svn } from './index.ts';

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };

testDistribution({
  distribution: svn,
  async skip() {
    return existsSync('/usr/bin/svn') ? undefined : 'svn is not installed';
  },
  async place(t) {
    const { folder } = contexts(t);
    const run = async (cwd: string, ...argv: [string, ...string[]]) => await runProcess(argv, { cwd, env });
    await run(folder, 'svnadmin', 'create', join(folder, 'repository'));
    const top = join(folder, 'root/srv/copy');
    mkdirSync(join(folder, 'root/srv'), { recursive: true });
    await run(folder, 'svn', '-q', 'checkout', `file://${folder}/repository`, top);
    mkdirSync(join(top, 'dir'));
    for (const name of ['a', 'dir/Größe', 'code.py']) writeFileSync(join(top, name), `${name} $Id$\n`);
    symlinkSync('a', join(top, 'link'));
    await run(top, 'svn', '-q', 'add', 'a', 'dir', 'code.py', 'link');
    await run(top, 'svn', '-q', 'propset', 'svn:keywords', 'Id', 'code.py');
    await run(top, 'svn', '-q', 'commit', '-m', 'one');
    appendFileSync(join(top, 'a'), 'changed\n');
    writeFileSync(join(top, 'untracked'), '');
    cpSync(top, join(folder, 'broken/good'), { recursive: true });
    mkdirSync(join(folder, 'broken/good/dir/.svn'));
    writeFileSync(join(folder, 'broken/good/dir/.svn/wc.db'), 'SQLite format 3\0 and then something else');
    rmSync(join(folder, 'repository'), { recursive: true });
    mkdirSync(join(folder, 'empty'));
    const at = '/srv/copy';
    return {
      root: localRoot(join(folder, 'root')),
      mine: [at, `${at}/a`, `${at}/dir`, `${at}/dir/Größe`, `${at}/link`, `${at}/.svn/wc.db`, `${at}/code.py`],
      others: ['/srv', `${at}/untracked`, `${at}/dir/gone`, '/'],
      empty: localRoot(join(folder, 'empty')),
      broken: { root: localRoot(join(folder, 'broken')), mine: ['/good/a', '/good/code.py', '/good/dir/Größe'] },
    };
  },
});
