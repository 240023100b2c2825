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

/** What a bundle holds: pieces of content by what they are for. Size in bytes, of the file. */
export interface SavedBundle {
  readonly file: string;
  readonly size: number;
  readonly kept: number;
  readonly archived: number;
  readonly loose: number;
  readonly inputs: number;
}

/** Writes a bundle: the spec, and what it can't be re-created without. */
export async function saveBundle(
  file: string,
  text: string,
  spec: Spec,
  options: BundleOptions,
  house: House,
): Promise<SavedBundle> {
  const parts = partsOf(spec, house.distributions);
  const of = parts.map(({ plugin, spec: entry, lock }) => plugin.contents(entry, lock));
  if (options.complete) {
    await withWork(house, async (work) => await obtainAll(parts, createContextOf(house, work, false)));
  }
  const runs = (spec.runs ?? []).map((run, index) => spec.lock?.runs?.[runId(run, index)]);
  const groups = {
    kept: of.flatMap(({ kept }) => kept),
    archived: options.complete ? of.flatMap(({ archived }) => archived) : [],
    loose: [
      ...contentOf(spec.lock?.files ?? []),
      ...(spec.customize ?? []).flatMap(({ file }) =>
        file?.sha256 === undefined || file.size === undefined ? [] : [{ sha256: file.sha256, size: file.size }],
      ),
    ],
    used: runs.flatMap((lock) => lock?.used ?? []),
    inputs: runs.flatMap((lock) => [
      ...(lock?.stdin === undefined ? [] : [lock.stdin]),
      ...(options.data ? contentOf(lock?.inputs ?? []) : []),
      ...contentOf(lock?.before ?? []),
    ]),
  };
  const contents = [...new Map(Object.values(groups).flatMap((refs) => refs.map((ref) => [ref.sha256, ref]))).values()];
  const { size } = await writeBundle(file, text, contents, house.store);
  return {
    file,
    size,
    kept: groups.kept.length,
    archived: groups.archived.length,
    loose: groups.loose.length,
    inputs: groups.inputs.length,
  };
}

function contentOf(files: readonly FileLock[]): ContentRef[] {
  return files.flatMap(({ sha256, size, left }) =>
    sha256 === undefined || size === undefined || left !== undefined ? [] : [{ sha256, size }],
  );
}
