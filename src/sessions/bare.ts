import type { Session } from '../contract/index.ts';
import { localRoot } from '../roots/local.ts';
import type { Enclosure } from './held.ts';
import { insideSession } from './inside.ts';

/** A session below a bare chroot: where nothing can be mounted, for what is trusted. Root only. */
export function bareSession(enclosure: Pick<Enclosure, 'root'>, label: string): Session {
  return insideSession({
    mode: 'plain',
    fields: [['root', enclosure.root]],
    label,
    restricted: true,
    root: localRoot(enclosure.root, label),
    async dispose() {},
  });
}
