import { ancestors, isSafeAbsolute } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';

/**
 * The links by which a run's folder was reached, where `PWD` names it by another path: `pwd` and its kin tell that
 * path. Undefined where it names no other; sorted, the outermost first.
 */
export async function linksToFolder(
  run: { readonly directory: string; readonly env: Readonly<Record<string, string>> },
  root: Root,
): Promise<readonly string[] | undefined> {
  const named = run.env['PWD'];
  if (named === undefined || named === run.directory || !isSafeAbsolute(named)) return undefined;
  const [real] = await root.realpath([named]);
  if (real !== run.directory) return undefined;
  const paths = [named, ...ancestors(named)].filter((path) => path !== '/').toReversed();
  const stats = await root.lstat(paths);
  return paths.filter((_, index) => stats[index]?.type === 'link');
}
