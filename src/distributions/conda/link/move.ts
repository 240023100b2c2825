import { posix } from 'node:path';

import { byBytes, sha256, UserError, type ContentRef } from '../../../model/index.ts';
import type { Store } from '../../../contract/index.ts';
import { decompressFile } from '../../../roots/decompress.ts';
import { readTarFiles } from '../../../roots/tar-files.ts';
import { parseRecord, toRecordHash } from '../../../toolkits/python/record.ts';
import type { TreeEntry } from '../../../toolkits/trees/entries.ts';
import type { TarMember } from '../../../toolkits/trees/tar.ts';
import { parseRecord as parsePackage, type CondaRecord } from '../record.ts';
import { movedRecord } from './record.ts';
import { replaceStrings, replaceText } from './replace.ts';

/** A prefix that was kept at one path and is wanted at another. */
export interface Move {
  readonly tree: readonly TreeEntry[];
  readonly rest: ContentRef | undefined;
  readonly from: string;
  readonly to: string;
  /** Paths below the prefix whose kept content is not taken: it is made anew. */
  skips(path: string): boolean;
}

/**
 * What was kept of a prefix beside its artifacts, for another path: the old prefix is replaced in text, and in the
 * strings of binaries. Compiled Python is left out (it names its source), and lists of files with digests follow.
 */
export async function* moveRest(move: Move, store: Store): AsyncGenerator<TarMember & { readonly path: string }> {
  const entries = new Map(move.tree.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  const file = move.rest === undefined ? undefined : await store.find(move.rest.sha256);
  if (file === undefined) return;
  const changed = new Map<string, { readonly sha256: string; readonly size: number }>();
  const lists = new Map<string, Buffer>();
  for await (const { path, content } of readTarFiles(decompressFile(file))) {
    const entry = entries.get(path);
    if (entry === undefined || isCompiled(path) || move.skips(path) || sha256(content) !== entry.sha256) continue;
    if (isList(path)) {
      lists.set(path, content);
      continue;
    }
    const moved = moveContent(content, move.from, move.to);
    if (moved === undefined) {
      throw new UserError(`${path} of the conda prefix ${move.from} has no room for the path ${move.to}`, {
        hint: `choose a path that is not longer than ${move.from}`,
      });
    }
    if (moved !== content) changed.set(path, { sha256: sha256(moved), size: moved.length });
    yield memberOf(entry, moved);
  }
  for (const [path, content] of [...lists].sort(([a], [b]) => byBytes(a, b))) {
    const entry = entries.get(path);
    if (entry !== undefined) yield memberOf(entry, moveList(path, content, changed));
  }
}

/** Paths of packages that lay in a prefix and are not among the locked ones any more, their records included. */
export async function pathsGone(
  tree: readonly TreeEntry[],
  rest: ContentRef | undefined,
  stays: (record: CondaRecord) => boolean,
  store: Store,
): Promise<ReadonlySet<string>> {
  const gone = new Set<string>();
  const file = rest === undefined ? undefined : await store.find(rest.sha256);
  if (file === undefined) return gone;
  const records = new Set(tree.map(({ path }) => path).filter((path) => /^conda-meta\/[^/]+\.json$/.test(path)));
  for await (const { path, content } of readTarFiles(decompressFile(file))) {
    const record = records.has(path) ? parsePackage(content) : undefined;
    if (record === undefined || stays(record)) continue;
    gone.add(path);
    for (const one of record.paths) gone.add(one.path);
  }
  return gone;
}

/** The same file for another prefix; itself where it does not name the old one. Undefined where there is no room. */
export function moveContent(content: Buffer, from: string, to: string): Buffer | undefined {
  const [before, after] = [Buffer.from(from), Buffer.from(to)];
  if (!content.includes(before)) return content;
  if (!content.subarray(0, 8192).includes(0)) return replaceText(content, before, after);
  return replaceStrings(content, before, after, 1, 'padding');
}

function memberOf(entry: TreeEntry, content: Buffer): TarMember & { readonly path: string } {
  return { path: entry.path, entry: { ...entry, size: content.length }, content: [content] };
}

function isCompiled(path: string): boolean {
  return path.endsWith('.pyc') && path.includes('__pycache__/');
}

function isList(path: string): boolean {
  return path.endsWith('.dist-info/RECORD') || /^conda-meta\/[^/]+\.json$/.test(path);
}

function moveList(
  path: string,
  content: Buffer,
  changed: ReadonlyMap<string, { readonly sha256: string; readonly size: number }>,
): Buffer {
  if (path.startsWith('conda-meta/')) return movedRecord(content, changed);
  const site = posix.dirname(posix.dirname(path));
  // line by line: pip ends them in its own way
  const lines = content
    .toString('latin1')
    .split(/(?<=\n)/)
    .map((line) => {
      const [one] = parseRecord(Buffer.from(line, 'latin1'));
      if (one === undefined) return line;
      if (isCompiled(one.path)) return '';
      const moved = changed.get(posix.join(site, one.path));
      if (moved === undefined || one.hash === undefined) return line;
      const fields = `,${one.hash},${one.size ?? ''}`;
      return line.replace(fields, () => `,${toRecordHash(moved.sha256)},${moved.size}`);
    });
  return Buffer.from(lines.join(''), 'latin1');
}
