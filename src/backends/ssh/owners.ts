import type { Root } from '../../contract/index.ts';
import type { Entry } from '../../model/index.ts';

/** Asked when it is first needed: the owners of a tree that a host can't show, by path; undefined where it can. */
type AskOwners = () => Promise<ReadonlyMap<string, string> | undefined>;

/** A root whose owners are those of the tree that it was made from: where a user has only one id, all files are its own. */
export function ownedAsCarried(root: Root, ask: AskOwners): Root {
  let asked: ReturnType<AskOwners> | undefined;
  const owners = async () => await (asked ??= ask());
  const own = <T extends Pick<Entry, 'uid' | 'gid'>>(held: T, path: string, known: ReadonlyMap<string, string>): T => {
    const [uid = 0, gid = 0] = (known.get(path) ?? '0 0').split(' ').map(Number);
    return { ...held, uid, gid };
  };
  return {
    ...root,
    async lstat(paths) {
      const stats = await root.lstat(paths);
      const known = await owners();
      if (known === undefined) return stats;
      const real = await root.realpath(paths.map((path) => path.slice(0, path.lastIndexOf('/')) || '/'));
      return stats.map((stat, index) => {
        const path = paths[index] ?? '';
        const folder = real[index] ?? '';
        return stat && own(stat, `${folder === '/' ? '' : folder}${path.slice(path.lastIndexOf('/'))}`, known);
      });
    },
    async *scan(options) {
      const known = await owners();
      for await (const entry of root.scan(options)) yield known === undefined ? entry : own(entry, entry.path, known);
    },
  };
}
