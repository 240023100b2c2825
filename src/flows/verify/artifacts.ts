import { digestFile } from '../../archives/store.ts';
import type { CreateContext, Wanted } from '../../contract/index.ts';
import { byBytes, type Difference, type Level } from '../../model/index.ts';
import type { Part } from '../plan.ts';

/**
 * What was obtained against the lock, by hash. The content in the store is hashed again; what is not there any more
 * is known from the record of the build (`built`), or can't be told.
 */
export async function verifyArtifacts(
  parts: readonly Part[],
  context: CreateContext,
  built: readonly string[] | undefined,
): Promise<Level> {
  const recorded = new Set(built);
  const differing: Difference[] = [];
  const explained: Difference[] = [];
  let checked = 0;
  let equal = 0;
  for (const { id, plugin, spec, lock } of parts) {
    const kept = new Set(plugin.contents(spec, lock).kept.map(({ sha256 }) => sha256));
    for (const wanted of await plugin.wanted(spec, lock, context)) {
      context.signal.throwIfAborted();
      checked += 1;
      const said = { subject: wanted.what, owner: id, was: wanted.sha256 };
      const is = await hashStored(wanted, context);
      if (is !== undefined && is !== wanted.sha256) differing.push({ ...said, kind: 'changed', is });
      else if (is === undefined && built !== undefined && !recorded.has(wanted.sha256)) {
        differing.push({ ...said, kind: 'missing' });
      } else if (kept.has(wanted.sha256)) {
        explained.push({ ...said, kind: 'repacked', explained: 'repacked from the traced system' });
      } else if (is === undefined && built === undefined) {
        explained.push({ ...said, kind: 'missing', explained: 'not in the store any more' });
      } else equal += 1;
    }
  }
  const bySubject = (a: Difference, b: Difference) => byBytes(a.subject, b.subject);
  return { checked, equal, differing: differing.toSorted(bySubject), explained: explained.toSorted(bySubject) };
}

async function hashStored({ sha256 }: Wanted, { store }: CreateContext): Promise<string | undefined> {
  const file = await store.find(sha256);
  return file === undefined ? undefined : (await digestFile(file)).digest;
}
