import type { Confinement } from '../../contract/index.ts';
import type { Fields } from '../../sessions/enter.ts';
import { engineFields, type Engine } from '../../sessions/held.ts';

/** The tree that becomes `/`; with `upper` and `work`, what lies below them and is never changed. */
export interface Tree {
  readonly root: string;
  readonly upper?: string;
  readonly work?: string;
}

/** What the holder of an enclosure is made from, by us or by an engine of the host's. Mounted folders are the host's. */
export function enclosureFields(
  hostname: string,
  { network, mounts }: Confinement,
  tree: Tree,
  engine?: Engine,
): Fields {
  const own = mounts.map(
    ({ source, path, readonly }) =>
      ['mount', `${readonly ? 'ro' : 'rw'}:${Buffer.byteLength(source)}:${source}${path}`] as const,
  );
  return [
    ...(Object.entries(tree) as [string, string][]),
    ['network', network],
    ['user', 1],
    ['hostname', hostname],
    ...(engine === undefined ? own : engineFields(engine, mounts)),
  ];
}
