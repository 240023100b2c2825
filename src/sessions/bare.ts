import type { Session } from '../contract/index.ts';
import { localRoot } from '../roots/local.ts';
import { enterArgv, enterEnvironment, openParameters, type Fields } from './enter.ts';
import type { Enclosure } from './held.ts';
import { insideSession } from './inside.ts';
import { runProcess } from './process.ts';

/**
 * A session below a bare chroot: where nothing can be mounted, for what is trusted. Root only. The devices that every
 * program counts on are made where they are missing, and taken away again.
 */
export async function bareSession(enclosure: Pick<Enclosure, 'root'>, label: string): Promise<Session> {
  const { root } = enclosure;
  const made = await act(root, [['do', 'devices']]);
  return insideSession({
    mode: 'plain',
    fields: [['root', root]],
    label,
    restricted: true,
    root: localRoot(root, label),
    async dispose() {
      if (made.length > 0) await act(root, [['do', 'remove'], ...made.map((path) => ['path', path] as const)]);
    },
  });
}

async function act(root: string, fields: Fields): Promise<readonly string[]> {
  using parameters = openParameters([['root', root], ...fields]);
  await runProcess(enterArgv('plain'), { env: enterEnvironment, cwd: '/', descriptors: [parameters.descriptor] });
  return parameters.answer();
}
