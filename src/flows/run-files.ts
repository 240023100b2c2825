import { posix } from 'node:path';

import { byBytes, runId, type FileLock, type Run, type RunLock, type Spec } from '../model/index.ts';

/** What a run starts with, as it was before the run; paths are absolute, lists sorted. */
export interface Start {
  /** There before any run. */
  readonly own: readonly FileLock[];
  /** Made by an earlier run of the same spec: there once that has run. */
  readonly made: readonly FileLock[];
}

/** What each run of a spec starts with, in order. */
export function startsOf(spec: Spec): readonly Start[] {
  const made = new Set<string>();
  return (spec.runs ?? []).map((run, index) => {
    const lock = spec.lock?.runs?.[runId(run, index)];
    const files = new Map<string, FileLock>();
    for (const file of [...(lock?.inputs ?? []), ...(lock?.before ?? [])]) {
      const path = absolute(run, file.path);
      files.set(path, { ...file, path });
    }
    const sorted = [...files.values()].sort((a, b) => byBytes(a.path, b.path));
    const start = {
      own: sorted.filter(({ path }) => !made.has(path)),
      made: sorted.filter(({ path }) => made.has(path)),
    };
    for (const path of outputsOf(run, lock)) made.add(path);
    return start;
  });
}

/** What a run writes: absolute paths. */
export function outputsOf(run: Run, lock: RunLock | undefined): readonly string[] {
  const paths = [...(run.outputs ?? []), ...(lock?.outputs ?? []).map(({ path }) => path)];
  return [...new Set(paths.map((path) => absolute(run, path)))];
}

function absolute(run: Run, path: string): string {
  return posix.resolve(run.directory ?? '/', path);
}
