import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { digestOf, sha256, type ContentRef, type Digest, type Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import { digestStream, memoryFile, recall, remember } from '../../trees/remember.ts';
import { withDeb } from '../lay/deb.ts';
import type { Accounts } from './accounts.ts';
import type { Attribution } from './attribution.ts';
import type { DpkgPackage } from './database.ts';
import { folderOnDisk, readFolder } from './reader.ts';
import { repack } from './repack.ts';
import { parseSums, type Sums } from './sums.ts';

/** A package that no list offers, and what is kept of it. */
export interface Kept extends ContentRef {
  readonly repacked: boolean;
  readonly contents?: Digest;
  readonly partial: boolean;
  readonly notes: readonly Note[];
}

/**
 * Keeps a package that no list offers: the .deb in apt's cache where it is still there and is this one, else one that
 * is made of what is installed.
 */
export async function keepPackage(
  root: Root,
  one: DpkgPackage,
  sums: Sums,
  attribution: Attribution,
  accounts: Accounts,
  context: TraceContext,
): Promise<Kept> {
  const cached = await fromCache(root, one, sums, context);
  if (cached !== undefined) return cached;
  const memory = await rememberedName(root, one, attribution, context);
  const remembered = await recall<Kept>(memory, context);
  if (remembered !== undefined) return remembered;
  const made = await repack(root, one, attribution, accounts);
  const ref = context.keep ? await context.store.add(made.bytes()) : await digestStream(made.bytes());
  const partial = made.unreadable.length > 0;
  const notes: Note[] = partial
    ? [
        {
          kind: 'partial',
          text: `${one.name} ${one.version} is kept without ${made.unreadable.length} of its files: ${shortList(made.unreadable)}`,
          about: one.key,
        },
      ]
    : [];
  const { contents } = made;
  const kept: Kept = { ...ref, repacked: true, partial, notes, ...(contents === undefined ? {} : { contents }) };
  if (context.keep) remember(memory, kept);
  return kept;
}

/** apt's own cache: names as apt writes them, `%3a` for the epoch's colon. */
async function fromCache(root: Root, one: DpkgPackage, sums: Sums, context: TraceContext): Promise<Kept | undefined> {
  const name = `${one.name}_${one.version.replaceAll(':', '%3a')}_${one.architecture}.deb`;
  const folder = await folderOnDisk(root, '/var/cache/apt/archives');
  if (folder === undefined || sums.contents === undefined || !existsSync(join(folder, name))) return undefined;
  try {
    const is = await withDeb(join(folder, name), name, async ({ control }) => {
      const found = control.find((file) => file.name === 'md5sums');
      return found !== undefined && parseSums(found.content.toString('latin1')).contents === sums.contents;
    });
    if (!is) return undefined;
  } catch {
    return undefined; // broken, or no .deb at all: then it is made anew
  }
  const [read] = await readFolder(root, '/var/cache/apt/archives', [name]);
  if (read === undefined || !('content' in read)) return undefined;
  const ref = context.keep
    ? await context.store.add(read.content)
    : { sha256: sha256(read.content), size: read.content.length };
  return { ...ref, repacked: false, partial: false, notes: [], contents: sums.contents };
}

/** Repacking reads every file; what it gave is remembered for as long as none of them has changed. */
async function rememberedName(
  root: Root,
  one: DpkgPackage,
  attribution: Attribution,
  context: TraceContext,
): Promise<string> {
  const entries = attribution.entriesOf(one.key).filter(({ folder }) => !folder);
  const stats = await root.lstat(entries.map(({ path }) => path));
  const state = entries.map(({ path }, index) => {
    const stat = stats[index];
    return [path, stat?.type, stat?.mode, stat?.uid, stat?.gid, stat?.size, stat?.mtimeMs, stat?.inode];
  });
  const digest = digestOf([root.label, process.getuid?.(), one.paragraph, state]);
  return memoryFile(digest, context);
}

function shortList(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).join(', ');
  return paths.length > 3 ? `${shown} …` : shown;
}
