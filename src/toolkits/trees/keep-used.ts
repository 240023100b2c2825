import { posix } from 'node:path';

import { deniesOthers, isSecretPath, type ContentRef, type Note } from '../../model/index.ts';
import type { Root, Store } from '../../contract/index.ts';
import { formatTree, surveyTree, type TreeEntry } from './entries.ts';
import { packTree } from './pack.ts';

/** What was used of a tree that no archive has, as a lock has it. */
export interface KeptUsed {
  /** The list of it: see `formatTree`. Absent where nothing was kept. */
  readonly tree?: ContentRef;
  /** The same as a tar, compressed with zstd, whose names are relative to the tree's top. */
  readonly archive?: ContentRef;
  readonly files: number;
  readonly size: number;
}

export interface KeepOptions {
  readonly store: Store;
  /** Whether content is kept at all. */
  readonly keep: boolean;
  /** In bytes; more is named and not kept. */
  readonly limit: number;
  /** The setting that says so, for the note. */
  readonly setting: string;
  /** Which folders belong to the tree; default all between its top and the paths. */
  isOurs?(path: string): boolean;
}

/** What is kept where the settings don't say otherwise, in bytes. */
const usualLimit = 2 * 1024 ** 3;

/** Keeps these paths of a tree, less secrets and what its mode denies to others; each left out is named. */
export async function keepUsed(
  root: Root,
  top: string,
  paths: Iterable<string>,
  options: KeepOptions,
): Promise<{ readonly kept: KeptUsed; readonly notes: readonly Note[] }> {
  const all = [...paths];
  const survey = await surveyTree(
    root,
    top,
    all.filter((path) => !isSecretPath(path)),
  );
  const isPrivate = ({ type, mode }: TreeEntry) => type === 'file' && deniesOthers(mode);
  const absolute = ({ path }: TreeEntry) => posix.join(top, path);
  const ours = survey.entries.filter((entry) => options.isOurs?.(absolute(entry)) ?? true);
  const entries = ours.filter((entry) => !isPrivate(entry));
  const notes: Note[] = [
    ...survey.notes,
    ...all.filter(isSecretPath).map((path) => leftNote(path, 'it is a place for keys, tokens or passwords')),
    ...ours.filter(isPrivate).map((entry) => leftNote(absolute(entry), 'its mode denies others to read it')),
  ];
  const files = entries.filter(({ type }) => type !== 'directory').length;
  const size = entries.reduce((sum, entry) => sum + (entry.size ?? 0), 0);
  const { store, limit, setting } = options;
  if (!options.keep || files === 0) return { kept: { files, size }, notes };
  if (size > limit) {
    const because = `it holds ${size} bytes, more than the limit of ${limit} (${setting} in the configuration)`;
    return { kept: { files, size }, notes: [...notes, leftNote(top, because)] };
  }
  const packed = await packTree(root, top, entries, store);
  return {
    kept: { tree: await store.add(formatTree(packed.entries)), archive: packed.archive, files, size },
    notes: [...notes, ...packed.notes],
  };
}

/** The limit that the settings of a type name, else the usual one. */
export function limitIn(settings: Readonly<Record<string, unknown>>): number {
  const { limit } = settings;
  return typeof limit === 'number' && limit >= 0 ? limit : usualLimit;
}

function leftNote(path: string, because: string): Note {
  return { kind: 'left', path, text: `${path} is not kept: ${because}` };
}
