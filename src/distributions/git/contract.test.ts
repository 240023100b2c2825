import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { git } from './index.ts';

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', GIT_CONFIG_GLOBAL: '/dev/null' };

async function newRepository(top: string): Promise<void> {
  mkdirSync(join(top, 'dir'), { recursive: true });
  for (const name of ['a', 'dir/Größe', 'code.py']) writeFileSync(join(top, name), name);
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'x'],
  ]) {
    await runProcess(['git', '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: top, env });
  }
}

testDistribution({
  distribution: git,
  async place(t) {
    const { folder } = contexts(t);
    const top = join(folder, 'root/home/u/code');
    await newRepository(top);
    appendFileSync(join(top, 'a'), 'changed');
    writeFileSync(join(top, 'untracked'), '');
    await newRepository(join(folder, 'broken/good'));
    mkdirSync(join(folder, 'broken/good/dir/.git'));
    mkdirSync(join(folder, 'empty'));
    const at = '/home/u/code';
    return {
      root: localRoot(join(folder, 'root')),
      mine: [at, `${at}/a`, `${at}/dir`, `${at}/dir/Größe`, `${at}/.git`, `${at}/.git/HEAD`, `${at}/code.py`],
      others: ['/home/u', '/home/u/code.py', '/home/u/code-setup.py', `${at}/untracked`, `${at}/dir/gone`, '/'],
      empty: localRoot(join(folder, 'empty')),
      broken: { root: localRoot(join(folder, 'broken')), mine: ['/good/a', '/good/dir/Größe'] },
    };
  },
});
