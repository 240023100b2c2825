import type { Owner, Root } from '../../../contract/index.ts';
import { readAttribution } from './attribution.ts';

/** Whose are these? One index, no subprocess. */
export async function claim(paths: readonly string[], root: Root): Promise<ReadonlyMap<string, readonly Owner[]>> {
  const attribution = await readAttribution(root);
  const claimed = new Map<string, readonly Owner[]>();
  for (const path of paths) {
    const owners = attribution.ownersOf(path);
    if (owners !== undefined) claimed.set(path, owners);
  }
  return claimed;
}
