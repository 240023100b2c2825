import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';

import { byBytes, sha256, type ContentRef, type Note } from '../../model/index.ts';
import type { Root, Store } from '../../contract/index.ts';
import { decompressFile } from '../../roots/decompress.ts';
import { readTarFiles } from '../../roots/tar-files.ts';
import { cutNotes, type CutOf } from './cut.ts';
import { formatTree, hashTree, parseTree, surveyTree, type TreeEntry } from './entries.ts';
import { packTree } from './pack.ts';
import { compress, writeTar, type TarMember } from './tar.ts';

/** A tree as it was, less what its packages' own artifacts bring. */
export interface KeptTree {
  /** The list of all of it: see `formatTree`. */
  readonly tree: ContentRef;
  /** What no artifact brings: a tar. */
  readonly rest?: ContentRef;
  readonly files: number;
  readonly size: number;
  /** What is kept in the place of files that hold secrets, by their absolute path. */
  readonly cut: ReadonlyMap<string, ContentRef>;
  readonly notes: readonly Note[];
}

/** One artifact (a wheel, a conda package, an npm tarball) as the files that installing it makes in the tree. */
export interface Supply {
  /** As a person names it: a package and its version. */
  readonly what: string;
  /** Files by their path below the tree's top, with the content that an installation gives them (prefix and `#!` rewritten). */
  files(): AsyncIterable<{ readonly path: string; readonly content: Uint8Array }>;
}

/**
 * Keeps a tree of packages. `paths` are all that belongs to it (absolute, canonical); `supplied` says, by path below
 * `top`, which sha256 the artifact of its package gives a file: where that is what lies here, the artifact is enough,
 * and the file is not kept. Everything else is: what was changed, generated, compiled, or comes from a package that no
 * archive has; less the secrets that `cutOf` finds in it.
 */
export async function keepTree(
  root: Root,
  top: string,
  paths: Iterable<string>,
  supplied: ReadonlyMap<string, string>,
  store: Store,
  cutOf?: CutOf,
): Promise<KeptTree> {
  const survey = await surveyTree(root, top, paths);
  const isSupplied = ({ type, path }: TreeEntry) => type === 'file' && supplied.has(path);
  const hashed = await hashTree(root, top, survey.entries.filter(isSupplied));
  const same = hashed.entries.filter(({ path, sha256: is }) => supplied.get(path) === is);
  const enough = new Set(same.map(({ path }) => path));
  const others = survey.entries.filter(({ path }) => !enough.has(path));
  const packed = others.some(({ type }) => type === 'file')
    ? await packTree(root, top, others, store, cutOf)
    : { entries: others, notes: [] };
  const entries = [...same, ...packed.entries].sort((a, b) => byBytes(a.path, b.path));
  const files = entries.filter(({ type }) => type === 'file');
  const cut = files.filter((entry) => entry.cut === true);
  return {
    tree: await store.add(formatTree(entries)),
    ...('archive' in packed ? { rest: packed.archive } : {}),
    files: files.length,
    size: files.reduce((sum, { size = 0 }) => sum + size, 0),
    cut: new Map(cut.map(({ path, size = 0, sha256: is = '' }) => [posix.join(top, path), { sha256: is, size }])),
    // a file that can't be read is named once
    notes: [
      ...survey.notes,
      ...hashed.notes,
      ...packed.notes,
      ...cutNotes(
        top,
        cut.map(({ path }) => path),
      ),
    ],
  };
}

/** A tree that is whole again, as one tar (zstd) in the store; or the files that nothing brings, by path. */
export type Composed = { readonly archive: ContentRef } | { readonly missing: readonly string[] };

/**
 * Puts a tree together again: each file from the artifact whose content is what the list says, else from `rest`.
 * Modes, owners and times are the list's. Artifacts are read one after the other, each file once.
 */
export async function composeTree(
  tree: readonly TreeEntry[],
  rest: ContentRef | undefined,
  supplies: Iterable<Supply>,
  store: Store,
): Promise<Composed> {
  const wanted = new Map(tree.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  const take = (path: string, content: Uint8Array): TarMember | undefined => {
    const entry = wanted.get(path);
    if (entry === undefined || entry.size !== content.length || entry.sha256 !== sha256(content)) return undefined;
    wanted.delete(path);
    return { entry, content: [content] };
  };
  async function* members(): AsyncGenerator<TarMember> {
    for (const entry of tree) if (entry.type !== 'file') yield { entry };
    const kept = rest === undefined ? undefined : await store.find(rest.sha256);
    if (kept !== undefined) {
      for await (const { path, content } of readTarFiles(decompressFile(kept))) {
        const member = take(path, content);
        if (member !== undefined) yield member;
      }
    }
    for (const supply of supplies) {
      if (wanted.size === 0) break;
      for await (const { path, content } of supply.files()) {
        const member = take(path, content);
        if (member !== undefined) yield member;
      }
    }
  }
  const archive = await store.add(compress(writeTar(members())));
  if (wanted.size === 0) return { archive };
  await store.remove(archive.sha256);
  return { missing: [...wanted.keys()].sort(byBytes) };
}

/** The list that `keepTree` stored; undefined where it is not there, or is none. */
export async function storedTree(tree: ContentRef, store: Store): Promise<readonly TreeEntry[] | undefined> {
  const file = await store.find(tree.sha256);
  return file === undefined ? undefined : parseTree(await readFile(file));
}
