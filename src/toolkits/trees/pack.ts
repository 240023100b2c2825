import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import { sha256, type ContentRef, type Note } from '../../model/index.ts';
import type { Root, Store } from '../../contract/index.ts';
import { encodeName, nameBytes } from '../../roots/names.ts';
import { cutContent, type CutOf } from './cut.ts';
import { unreadable, type TreeEntry } from './entries.ts';
import { compress, writeTar, type TarMember } from './tar.ts';

/** Larger files are streamed. */
const inMemory = 64 * 1024 * 1024;

/**
 * Packs what was surveyed into one archive in the store (nothing is stored without one), reading every file once.
 * Returns the entries with digests; what could not be read is named and left out. What `cutOf` finds secrets in is
 * packed without them.
 */
export async function packTree(
  root: Root,
  top: string,
  entries: readonly TreeEntry[],
  store: Store,
  cutOf: CutOf = () => undefined,
): Promise<{ readonly entries: readonly TreeEntry[]; readonly archive: ContentRef; readonly notes: readonly Note[] }> {
  const packed: TreeEntry[] = [];
  const notes: Note[] = [];
  async function* members(): AsyncGenerator<TarMember> {
    for (const entry of entries) {
      if (entry.type !== 'file') {
        packed.push(entry);
        yield { entry };
        continue;
      }
      const path = posix.join(top, entry.path);
      const member = await readMember(root, path, entry, cutOf(entry.path), (digested) => packed.push(digested));
      if (member === undefined) notes.push(unreadable(path));
      else yield member;
    }
  }
  const archive = await store.add(compress(writeTar(members())));
  return { entries: packed, archive, notes };
}

async function readMember(
  root: Root,
  path: string,
  entry: TreeEntry,
  cut: ReturnType<CutOf>,
  done: (entry: TreeEntry) => void,
): Promise<TarMember | undefined> {
  if (cut === undefined && (entry.size ?? 0) > inMemory && root.directory !== undefined) {
    return { entry, content: streamFile(root.directory, path, entry, done) };
  }
  const read = await root.readFile(path).catch(() => undefined);
  if (read === undefined) return undefined;
  const without = cut === undefined ? undefined : cutContent(read, cut);
  const bytes = without ?? read;
  // the size of what was read, not of what was seen before
  const digested: TreeEntry = {
    ...entry,
    size: bytes.length,
    sha256: sha256(bytes),
    ...(without === undefined ? {} : { cut: true }),
  };
  done(digested);
  return { entry: digested, content: [bytes] };
}

async function* streamFile(
  directory: string,
  path: string,
  entry: TreeEntry,
  done: (entry: TreeEntry) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  const at = directory === '/' ? path : `${directory}${path}`;
  const name = encodeName(at);
  for await (const chunk of createReadStream(typeof name === 'string' ? name : nameBytes(at), {
    highWaterMark: 1 << 20,
  })) {
    hash.update(chunk as Buffer);
    yield chunk as Buffer;
  }
  done({ ...entry, sha256: hash.digest('hex') });
}
