import type { Root } from '../contract/index.ts';
import { insideId, type Mapping } from './mapped.ts';

/** A root whose owners are told as they are inside, where this machine has other numbers for them. */
export function ownersInside(root: Root, mapping: Mapping): Root {
  if (mapping.kind === 'root') return root;
  const inside = <T extends { readonly uid: number; readonly gid: number }>(held: T): T => ({
    ...held,
    uid: insideId(mapping, 'uids', held.uid),
    gid: insideId(mapping, 'gids', held.gid),
  });
  return {
    ...root,
    async lstat(paths) {
      return (await root.lstat(paths)).map((stat) => stat && inside(stat));
    },
    async *scan(options) {
      for await (const entry of root.scan(options)) yield inside(entry);
    },
  };
}
