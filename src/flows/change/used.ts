import { posix } from 'node:path';

import { runId, type Entry, type FileLock, type RunLock, type Spec } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import { keepList, readUsed } from '../files/used.ts';
import type { Touched } from './touched.ts';

/**
 * The spec after a change: what runs had used, and folders that they had listed, less what the change has made another
 * or taken away. That a run used it is still true of the trace, but no longer of this environment: so its owner wanted.
 */
export async function withoutReplaced(spec: Spec, touched: Touched, store: Store): Promise<Spec> {
  const runs = Object.entries(spec.lock?.runs ?? {});
  const places = new Map((spec.runs ?? []).map((run, index) => [runId(run, index), run.directory]));
  if (runs.length === 0 || spec.lock === undefined) return spec;
  const kept = await Promise.all(
    runs.map(async ([id, run]): Promise<[string, RunLock]> => {
      const isGone = ({ path, directory }: FileLock) => {
        const at = posix.resolve(places.get(id) ?? '/', path);
        return directory === true && touched.has(at) && touched.get(at) === undefined;
      };
      const before = run.before?.filter((file) => !isGone(file));
      const held = { ...run, ...(before === undefined ? {} : { before }) };
      const list = await readUsed(run.used, store);
      const left = list?.filter((file) => !touched.has(file.path) || isSame(file, touched.get(file.path)));
      if (list === undefined || left === undefined || left.length === list.length) return [id, held];
      const { used: _, ...others } = held;
      const used = await keepList(left, store);
      return [id, used === undefined ? others : { ...others, used }];
    }),
  );
  return { ...spec, lock: { ...spec.lock, runs: Object.fromEntries(kept) } };
}

function isSame({ sha256, link }: FileLock, entry: Entry | undefined): boolean {
  return entry !== undefined && (link === undefined ? entry.sha256 === sha256 : entry.target === link);
}
