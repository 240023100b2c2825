import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { UserError, type Entry } from '../model/index.ts';

/**
 * Who owns what in a root whose own owners say nothing (laid or seen by an ordinary user). A file of JSON lines
 * `{"path", "uid", "gid", "mode"?, "capability"?}`: `mode` in four octal digits, `capability` in hexadecimal. What it
 * does not name belongs to 0:0.
 */
export type Manifest = ReadonlyMap<string, ManifestLine>;

export interface ManifestLine {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode?: string;
  readonly capability?: string;
}

/** Reads a manifest. Throws UserError for one that is broken: owners are not guessed. */
export async function readManifest(file: string): Promise<Manifest> {
  const found = new Map<string, ManifestLine>();
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let number = 0;
  try {
    for await (const line of lines) {
      number += 1;
      if (line === '') continue;
      const read: unknown = JSON.parse(line);
      if (!isLine(read)) throw new SyntaxError('not a line of a manifest');
      found.set(read.path, read);
    }
  } catch (error) {
    throw new UserError(`cannot read the manifest ${file}:${number}: ${(error as Error).message}`, {
      hint: 'the rootfs is damaged: delete what was made from it, prune, and create again',
      cause: error,
    });
  }
  return found;
}

/** Adds lines to a manifest, which is made where there is none; of two lines for one path the later counts. */
export async function appendManifest(file: string, lines: readonly ManifestLine[]): Promise<void> {
  await appendFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
}

/** The entry with the owner, mode and capability that the manifest gives it. */
export function ownedBy(manifest: Manifest, entry: Entry): Entry {
  const line = manifest.get(entry.path);
  if (line === undefined) return { ...entry, uid: 0, gid: 0 };
  return {
    ...entry,
    uid: line.uid,
    gid: line.gid,
    ...(line.mode === undefined ? {} : { mode: Number.parseInt(line.mode, 8) }),
    ...(line.capability === undefined ? {} : { capability: line.capability }),
  };
}

function isLine(read: unknown): read is ManifestLine {
  if (typeof read !== 'object' || read === null) return false;
  const { path, uid, gid, mode, capability } = read as Record<string, unknown>;
  return (
    typeof path === 'string' &&
    Number.isSafeInteger(uid) &&
    Number.isSafeInteger(gid) &&
    (mode === undefined || (typeof mode === 'string' && /^[0-7]{4}$/.test(mode))) &&
    (capability === undefined || (typeof capability === 'string' && /^(?:[0-9a-f]{2})+$/.test(capability)))
  );
}
