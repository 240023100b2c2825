import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

import { getBytes } from '../../../archives/get-bytes.ts';
import type { CreateContext, Source } from '../../../contract/index.ts';
import { UserError } from '../../../model/index.ts';
import { compressionOf, decompressed } from '../../../roots/decompress.ts';
import { mirrorFinder } from '../lay/wanted.ts';
import { isLocation } from '../names.ts';
import { scanPrimary, type Offer } from '../read/primary.ts';
import type { RpmSource } from '../spec.ts';

const indexLimit = 4 * 1024 * 1024;
const listLimit = 2 ** 30;

/** One list of a repository, as `repomd.xml` has it. */
interface Listed {
  readonly type: string;
  readonly sha256: string;
  readonly size: number;
  readonly location: string;
}

/** A repository whose lists are here. */
export interface FetchedRepository {
  readonly source: RpmSource;
  /** `repomd.xml` as it was served, and the lists by their places in the repository, in the store. */
  readonly index: Buffer;
  readonly lists: readonly { readonly location: string; readonly file: string }[];
  /** Its packages by names that are wanted. */
  offers(isWanted: (name: string) => boolean): Promise<readonly Offer[]>;
}

/** What dnf solves by. Others (groups, updates) are not got. */
const needed = new Set(['primary', 'filelists', 'modules']);

/** Gets the lists of a repository from the first of its addresses that has them all. */
export async function fetchRepository(source: RpmSource, context: CreateContext): Promise<FetchedRepository> {
  const bases = await mirrorFinder(context)(source);
  const tried: string[] = [];
  for (const base of bases.slice(0, 5)) {
    const address = base.replace(/\/+$/, '');
    try {
      const index = await getBytes(`${address}/repodata/repomd.xml`, indexLimit, context.signal);
      const listed = parseRepomd(index.toString('utf8')).filter(({ type }) => needed.has(type));
      if (!listed.some(({ type }) => type === 'primary')) throw new UserError('it has no list of packages');
      const lists = await fetchLists(source.name, address, listed, context);
      const primary = lists.find(({ type }) => type === 'primary');
      return {
        source,
        index,
        lists,
        async offers(isWanted) {
          const content = readFileSync(primary?.file ?? '');
          const text = await decompressed(content, compressionOf(content), listLimit, `the list of ${source.name}`);
          return scanPrimary(text.toString('utf8'), isWanted);
        },
      };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      tried.push(`${address}: ${error.message}`);
    }
  }
  throw new UserError(`the repository ${source.name} can't be read`, {
    details: tried.length === 0 ? ['it has no address, or its list of mirrors is empty'] : tried,
  });
}

/** Lays the lists as a repository of this machine. */
export function layRepository({ index, lists }: FetchedRepository, folder: string): void {
  mkdirSync(join(folder, 'repodata'), { recursive: true });
  writeFileSync(join(folder, 'repodata', 'repomd.xml'), index);
  for (const { location, file } of lists) copyFileSync(file, join(folder, 'repodata', posix.basename(location)));
}

/** The lists that a `repomd.xml` names, with places in the repository only. */
function parseRepomd(text: string): Listed[] {
  const blocks = text.split('<data ').slice(1, 100);
  return blocks.flatMap((whole): Listed[] => {
    const block = whole.slice(0, 8192);
    const type = /^[^>]*type="([a-z_]+)"/.exec(block)?.[1] ?? '';
    const sha256 = /<checksum type="sha256">\s*([0-9a-f]{64})\s*</.exec(block)?.[1];
    const size = Number(/<size>\s*([0-9]{1,15})\s*</.exec(block)?.[1] ?? 0);
    const location = /<location href="([^"]+)"/.exec(block)?.[1] ?? '';
    const isPlain = posix.dirname(location) === 'repodata' && isLocation(location);
    return sha256 === undefined || !isPlain || size > listLimit ? [] : [{ type, sha256, size, location }];
  });
}

async function fetchLists(
  name: string,
  address: string,
  listed: readonly Listed[],
  context: CreateContext,
): Promise<{ type: string; location: string; file: string }[]> {
  const obtained = await context.fetch(
    listed.map(({ type, sha256, size, location }) => {
      async function* sources(): AsyncGenerator<Source> {
        yield { kind: 'repository', label: `${address}/${location}`, url: `${address}/${location}` };
      }
      return { what: `${type} of ${name}`, sha256, size, sources };
    }),
  );
  const [missing] = obtained.missing;
  if (missing !== undefined) throw new UserError(`${missing.what}: ${missing.tried[0]?.because ?? 'it is not there'}`);
  return await Promise.all(
    listed.map(async ({ type, location, sha256 }) => ({
      type,
      location,
      file: (await context.store.find(sha256)) ?? '',
    })),
  );
}
