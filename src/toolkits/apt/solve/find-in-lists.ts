import type { CreateContext } from '../../../contract/index.ts';
import { UserError } from '../../../model/index.ts';
import { scanIndex } from '../read/lists.ts';
import type { AptLock, AptPackage } from '../spec.ts';
import { readIndex } from './index-file.ts';
import { indexPaths } from './read-indices.ts';
import type { ReleaseFile } from './release.ts';

/** Packages that are looked for, by sha256. */
export interface Search {
  readonly open: Map<string, AptPackage>;
  readonly lock: AptLock;
  readonly context: CreateContext;
}

/** The hashes, of those that are looked for, that a component's indices have. Indices that can't be had have none. */
export async function findInLists(
  release: ReleaseFile,
  component: string | undefined,
  addresses: readonly string[],
  { open, lock, context }: Search,
  options: { readonly listed?: string; readonly offline?: boolean } = {},
): Promise<readonly string[]> {
  const names = new Set([...open.values()].map(({ name }) => name));
  const architectures = new Set([...open.values()].map(({ architecture }) => architecture));
  architectures.delete('all');
  // packages for all architectures stand in each one's index
  const wanted = architectures.size > 0 ? [...architectures] : [lock.architectures?.[0] ?? 'amd64'];
  const found: string[] = [];
  for (const path of indexPaths(component, wanted, [], release)) {
    try {
      const index = await readIndex(path, release, addresses, context, options);
      if (index === undefined) continue;
      for (const { sha256 } of scanIndex(index.content, names)) if (open.has(sha256)) found.push(sha256);
    } catch (error) {
      if (!(error instanceof UserError) || options.offline !== true) throw error;
    }
  }
  return found;
}
