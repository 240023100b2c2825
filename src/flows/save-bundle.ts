import { runId, type ContentRef, type FileLock, type Spec } from '../model/index.ts';
import { writeBundle } from '../formats/bundle/write.ts';
import { createContextOf, withWork } from './create-context.ts';
import type { House } from './house.ts';
import { obtainAll } from './create/obtain.ts';
import { partsOf } from './plan.ts';

export interface BundleOptions {
  /** Every package, not only those that no archive has. */
  readonly complete: boolean;
  /** Inputs, too. */
  readonly data: boolean;
}

/** Writes a bundle: the spec, and what it can't be re-created without. Returns its size in bytes. */
export async function saveBundle(
  file: string,
  text: string,
  spec: Spec,
  options: BundleOptions,
  house: House,
): Promise<{ readonly size: number; readonly contents: number }> {
  const parts = partsOf(spec, house.distributions);
  const of = parts.map(({ plugin, spec: entry, lock }) => plugin.contents(entry, lock));
  if (options.complete) {
    await withWork(house, async (work) => await obtainAll(parts, createContextOf(house, work, false)));
  }
  const wanted: ContentRef[] = [
    ...of.flatMap(({ kept, archived }) => (options.complete ? [...kept, ...archived] : kept)),
    ...contentOf(spec.lock?.files ?? []),
    ...(spec.runs ?? []).flatMap((run, index) => {
      const lock = spec.lock?.runs?.[runId(run, index)];
      return [
        ...(lock?.stdin === undefined ? [] : [lock.stdin]),
        ...(options.data ? contentOf(lock?.inputs ?? []) : []),
        ...contentOf(lock?.before ?? []),
      ];
    }),
  ];
  const contents = [...new Map(wanted.map((ref) => [ref.sha256, ref])).values()];
  const { size } = await writeBundle(file, text, contents, house.store);
  return { size, contents: contents.length };
}

function contentOf(files: readonly FileLock[]): ContentRef[] {
  return files.flatMap(({ sha256, size, left }) =>
    sha256 === undefined || size === undefined || left !== undefined ? [] : [{ sha256, size }],
  );
}
