import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { posix, join } from 'node:path';

import { getBytes } from '../../../archives/get-bytes.ts';
import type { Context } from '../../../contract/index.ts';
import { sha256 as digest, UserError } from '../../../model/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { inflate, listEndings } from '../read/inflate.ts';
import { readOne } from '../read/reader.ts';
import { listName } from '../read/sources.ts';
import type { ReleaseFile } from './release.ts';

/** An index that a Release file vouches for, in a file of ours. */
export interface IndexFile {
  readonly file: string;
  readonly content: Buffer;
}

const lists = '/var/lib/apt/lists';
/** The quickest to unpack first; what is smaller takes longer to unpack than it saves on most lines. */
const endings = ['.gz', '.zst', '.xz', '.bz2', ''] as const;

/**
 * One index (`main/binary-amd64/Packages`) as a verified Release file has it: what we have kept, what this machine's apt
 * has, else what one of the addresses gives. Whatever it is, it has the recorded hash. Undefined where the Release file
 * names none; UserError where it can't be had.
 */
export async function readIndex(
  path: string,
  release: ReleaseFile,
  addresses: readonly string[],
  context: Context,
  options: { readonly listed?: string; readonly offline?: boolean } = {},
): Promise<IndexFile | undefined> {
  const plain = release.sums.get(path);
  const packed = endings.flatMap((ending) => {
    const sum = release.sums.get(path + ending);
    return sum === undefined ? [] : [{ ending, ...sum }];
  });
  if (packed.length === 0) return undefined;
  if (plain !== undefined) {
    const file = cacheFile(plain.sha256, context);
    const kept = await readFile(file).catch(() => undefined);
    if (kept !== undefined && digest(kept) === plain.sha256) return { file, content: kept };
    const own = options.listed === undefined ? undefined : await fromMachine(options.listed, path, plain.sha256);
    if (own !== undefined) return { file: await keep(file, own), content: own };
  }
  if (options.offline === true) throw new UserError('it is not at hand');
  const content = await fetchIndex(path, packed, release, addresses, context);
  if (plain !== undefined && digest(content) !== plain.sha256) throw new UserError(`${path} is not what it unpacks to`);
  return { file: await keep(cacheFile(plain?.sha256 ?? digest(content), context), content), content };
}

interface Packed {
  readonly ending: string;
  readonly size: number;
  readonly sha256: string;
}

async function fetchIndex(
  path: string,
  packed: readonly Packed[],
  { byHash }: ReleaseFile,
  addresses: readonly string[],
  { signal }: Context,
): Promise<Buffer> {
  let failure: unknown = new UserError('there is no address to have it from');
  for (const address of addresses) {
    for (const { ending, size, sha256 } of packed) {
      const named = `${address}/${path}${ending}`;
      const hashed = `${address}/${posix.dirname(path)}/by-hash/SHA256/${sha256}`;
      for (const url of byHash ? [hashed, named] : [named]) {
        try {
          const bytes = await getBytes(url, size, signal);
          if (digest(bytes) === sha256) return await unpack(bytes, url);
          failure = new UserError(`${url} is not what its Release file says`, {
            hint: 'the archive may just be changing: try again in a few minutes',
          });
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof UserError)) throw error;
          failure = error;
        }
      }
    }
  }
  throw failure;
}

async function unpack(bytes: Buffer, url: string): Promise<Buffer> {
  try {
    return await inflate(bytes);
  } catch (error) {
    throw new UserError(`${url} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function fromMachine(suite: string, path: string, sha256: string): Promise<Buffer | undefined> {
  await using root = localRoot();
  for (const ending of listEndings) {
    const read = await readOne(root, `${lists}/${listName(`${suite}/${path}`)}${ending}`);
    if (!('content' in read)) continue;
    const content = await inflate(read.content).catch(() => undefined);
    if (content !== undefined && digest(content) === sha256) return content;
  }
  return undefined;
}

function cacheFile(sha256: string, { store }: Context): string {
  return join(store.cache('lists'), sha256);
}

async function keep(file: string, content: Buffer): Promise<string> {
  await mkdir(join(file, '..'), { recursive: true });
  const fresh = `${file}.${randomUUID()}`;
  try {
    await writeFile(fresh, content);
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
  return file;
}
