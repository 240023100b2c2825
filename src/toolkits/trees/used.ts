import { posix } from 'node:path';

import { isWithin } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { neededByGo } from './go.ts';

export interface Used {
  /** Everything that belongs to what was used, at or below the top. */
  readonly paths: ReadonlySet<string>;
  /** What links in it point to elsewhere. */
  readonly leads: readonly string[];
}

/**
 * What was used, and what a trace does not show though it is needed: the targets of links, the sources of Python's
 * compiled files (it only looks at their time), the folders by which an interpreter finds itself.
 */
export async function completeUsed(top: string, used: readonly string[], root: Root): Promise<Used> {
  const paths = new Set<string>();
  const leads = new Set<string>();
  let fresh = [...used, ...(await neededByGo(top, new Set(used), root))];
  while (fresh.length > 0) {
    const asked = fresh.filter((path) => !paths.has(path));
    for (const path of asked) paths.add(path);
    const stats = await root.lstat(asked);
    const next: string[] = [];
    for (const [index, path] of asked.entries()) {
      const stat = stats[index];
      if (stat?.type === 'link') {
        for (const goal of await goals(path, root)) {
          if (isWithin(goal, top)) next.push(goal);
          else leads.add(goal);
        }
      } else if (stat?.type === 'file') next.push(...implied(path));
    }
    fresh = next;
  }
  return { paths, leads: [...leads] };
}

/** Where a link points: its target as it is named, and what that comes to after all links. */
async function goals(path: string, root: Root): Promise<string[]> {
  const target = await root.readlink(path).catch(() => undefined);
  if (target === undefined) return [];
  const next = posix.resolve(posix.dirname(path), target);
  const [folder, real] = await root.realpath([posix.dirname(next), next]);
  const named = folder === undefined ? [] : [posix.join(folder, posix.basename(next))];
  return [...named, ...(real === undefined ? [] : [real])];
}

function implied(path: string): string[] {
  const [, folder, module] = /^(.*)\/__pycache__\/([^/]+?)\.(?:cpython|pypy)[^/.]*(?:\.opt-\d)?\.pyc$/.exec(path) ?? [];
  const source = folder === undefined || module === undefined ? [] : [`${folder}/${module}.py`];
  // CPython looks for these two to find its library (Modules/getpath.py, "landmarks")
  const [, library] = /^(.*\/lib\/python3\.\d+)\//.exec(path) ?? [];
  return library === undefined ? source : [...source, `${library}/os.py`, `${library}/lib-dynload`];
}
