import type { Confinement } from '../../contract/index.ts';
import type { Fields } from '../../sessions/enter.ts';

/** The tree that becomes `/`; with `upper` and `work`, what lies below them and is never changed. */
export interface Tree {
  readonly root: string;
  readonly upper?: string;
  readonly work?: string;
}

/** What the holder of an enclosure is made from. Folders that are let in are the host's own. */
export function enclosureFields(hostname: string, { network, mounts }: Confinement, tree: Tree): Fields {
  return [
    ...(Object.entries(tree) as [string, string][]),
    ['network', network],
    ['user', 1],
    ['hostname', hostname],
    ...mounts.map(
      ({ source, path, readonly }) =>
        ['mount', `${readonly ? 'ro' : 'rw'}:${Buffer.byteLength(source)}:${source}${path}`] as const,
    ),
  ];
}
