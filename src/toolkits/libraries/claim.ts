import { isSecretPath, isWithin } from '../../model/index.ts';
import type { Distribution, Owner } from '../../contract/index.ts';
import type { LibraryKind } from './kind.ts';

/** Paths of packages in libraries of this kind. */
export function claimIn(kind: LibraryKind): Distribution['claim'] {
  return async (paths, root, context) => {
    const whole = 'whole' in context ? (context.whole as readonly string[]) : [];
    const asked = paths.filter((path) => !isSecretPath(path) && !whole.some((one) => isWithin(path, one)));
    const found = [...(await kind.find(asked, root))];
    const stats = await root.lstat(found.map(([path]) => path));
    const owners = new Map<string, readonly Owner[]>();
    const claimed = new Map<string, readonly Owner[]>();
    for (const [index, [path, { top, key }]] of found.entries()) {
      if (stats[index] === undefined) continue;
      const id = `${top}\0${key}`;
      const owner = owners.get(id) ?? [{ key, instance: top }];
      owners.set(id, owner);
      claimed.set(path, owner);
    }
    return claimed;
  };
}
