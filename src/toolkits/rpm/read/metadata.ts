import { posix } from 'node:path';

import type { Note } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { compressionOf, decompressed } from '../../../roots/decompress.ts';
import { listFolder, readOne } from '../../apt/read/reader.ts';
import { scanPrimary, type Offer } from './primary.ts';

const largest = 2 ** 30;

/** What a machine's package manager has fetched. */
export interface Cached {
  /** By repository id. */
  readonly offers: ReadonlyMap<string, readonly Offer[]>;
  /** Paths of .rpm files by their names. */
  readonly files: ReadonlyMap<string, string>;
  readonly notes: readonly Note[];
}

const tops: readonly string[] = ['/var/cache/dnf', '/var/cache/libdnf5'];

/** Reads the caches of dnf 4 and dnf 5: folders `REPOSITORY-HASH` with `repodata` and `packages`. */
export async function readCached(root: Root, names: ReadonlySet<string>): Promise<Cached> {
  const offers = new Map<string, readonly Offer[]>();
  const files = new Map<string, string>();
  const notes: Note[] = [];
  for (const top of tops) {
    for (const folder of await listFolder(root, top)) {
      const id = /^(.+)-[0-9a-f]{16}$/.exec(folder)?.[1];
      if (id === undefined) continue;
      const repodata = posix.join(top, folder, 'repodata');
      const primary = (await listFolder(root, repodata)).find((name) => /(?:^|-)primary\.xml(?:\.\w+)?$/.test(name));
      if (primary !== undefined) {
        const path = posix.join(repodata, primary);
        try {
          offers.set(id, [
            ...(offers.get(id) ?? []),
            ...scanPrimary(await readXml(root, path), (name) => names.has(name)),
          ]);
        } catch (error) {
          const because = error instanceof Error ? error.message : String(error);
          notes.push({ kind: 'unreadable', text: `a list of dnf's can't be read: ${because}`, path });
        }
      }
      const packages = posix.join(top, folder, 'packages');
      for (const name of await listFolder(root, packages)) {
        if (name.endsWith('.rpm')) files.set(name, posix.join(packages, name));
      }
    }
  }
  return { offers, files, notes };
}

async function readXml(root: Root, path: string): Promise<string> {
  const read = await readOne(root, path);
  if (!('content' in read)) throw new Error(read.code);
  const bytes = await decompressed(read.content, compressionOf(read.content), largest, path);
  return bytes.toString('utf8');
}
