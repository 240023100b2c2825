import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { digestOf, sha256, type ContentRef, type Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import { readOne } from '../../apt/read/reader.ts';
import { digestStream, memoryFile, recall, remember } from '../../trees/remember.ts';
import { tags } from '../header.ts';
import { withRpm } from '../lay/rpm-file.ts';
import type { Compared } from './changed.ts';
import type { RpmPackage } from './package.ts';
import { repack } from './repack.ts';

/** A package that no repository is known to offer, and what is kept of it. */
export interface Kept extends ContentRef {
  readonly repacked: boolean;
  readonly partial: boolean;
  readonly notes: readonly Note[];
}

/** Keeps a package: the .rpm in the package manager's cache where it is this one, else one that is made of what is installed. */
export async function keepPackage(
  root: Root,
  one: RpmPackage,
  compared: Compared,
  cached: ReadonlyMap<string, string>,
  context: TraceContext,
): Promise<Kept> {
  const original = await fromCache(root, one, cached, context);
  if (original !== undefined) return { ...original, repacked: false, partial: false, notes: [] };
  const memory = memoryOf(root, one, compared, context);
  const remembered = await recall<Kept>(memory, context);
  if (remembered !== undefined) return remembered;
  const made = await repack(root, one, compared);
  const ref = context.keep ? await context.store.add(made.bytes()) : await digestStream(made.bytes());
  const partial = made.left.length > 0;
  const notes: Note[] = partial
    ? [
        {
          kind: 'partial',
          text: `${one.name} ${one.version} is kept without ${made.left.length} of its files: ${made.left.slice(0, 3).join(', ')}`,
          about: one.key,
        },
      ]
    : [];
  const kept: Kept = { ...ref, repacked: true, partial, notes };
  if (context.keep) remember(memory, kept);
  return kept;
}

/** The file name of a package's .rpm, as repositories and caches have it. */
function fileName({ name, evr, architecture }: Pick<RpmPackage, 'name' | 'evr' | 'architecture'>): string {
  return `${name}-${evr.version}-${evr.release ?? ''}.${architecture}.rpm`;
}

async function fromCache(
  root: Root,
  one: RpmPackage,
  cached: ReadonlyMap<string, string>,
  context: TraceContext,
): Promise<ContentRef | undefined> {
  const path = cached.get(fileName(one));
  const md5 = one.header.bytes(tags.sigMd5);
  if (path === undefined || md5 === undefined) return undefined;
  const read = await readOne(root, path);
  if (!('content' in read) || !(await isOriginal(read.content, md5))) return undefined;
  const { content } = read;
  return context.keep ? await context.store.add(content) : { sha256: sha256(content), size: content.length };
}

/** Whether an .rpm's header and payload have this md5, which the database keeps. */
async function isOriginal(content: Buffer, md5: Buffer): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-rpm-'));
  try {
    const file = join(folder, 'rpm');
    writeFileSync(file, content);
    return await withRpm(file, 'an .rpm of a cache', ({ header }) => {
      const start = content.indexOf(header.blob.subarray(0, 64), 96) - 8;
      return start > 0 && createHash('md5').update(content.subarray(start)).digest().equals(md5);
    });
  } catch {
    return false; // broken, or no .rpm at all: then it is made anew
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Repacking reads every file; what it gave is remembered for as long as none of them has changed. */
function memoryOf(root: Root, one: RpmPackage, { files, divergent }: Compared, context: TraceContext): string {
  const state = files.map(({ at, stat }) => [
    at,
    divergent.get(at),
    stat?.type,
    stat?.mode,
    stat?.size,
    stat?.mtimeMs,
    stat?.inode,
  ]);
  const digest = digestOf(['rpm 1', root.label, process.getuid?.(), sha256(one.header.blob), state]);
  return memoryFile(digest, context);
}
