import { localRoot } from '../../../roots/local.ts';
import { getBytes } from '../../../archives/get-bytes.ts';
import { UserError } from '../../../model/index.ts';
import { parseParagraphs } from '../deb822.ts';
import { isPoolPath } from '../names.ts';
import { readOne } from '../read/reader.ts';
import { parseRelease, type Release } from '../read/release.ts';
import { listName, type Entry } from '../read/sources.ts';
import { splitClearsigned, type Signed } from './signature.ts';

/** What a repository says of a suite, as it stands in a signed file. */
export interface ReleaseFile extends Signed {
  readonly release: Release;
  /** By path below the suite's folder: what its indices are. */
  readonly sums: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>;
  /** Whether indices are also had by their hash, which does not change under a reader's hands. */
  readonly byHash: boolean;
  readonly architectures: readonly string[];
  /** Whether packages for all architectures stand in each one's index as well. */
  readonly allInEach: boolean;
}

const limit = 32 * 1024 * 1024;
const lists = '/var/lib/apt/lists';

/** The address of a suite's folder. */
export function suiteAddress({ uri, suite }: Pick<Entry, 'uri' | 'suite'>): string {
  const base = uri.replace(/\/+$/, '');
  if (!suite.endsWith('/')) return `${base}/dists/${suite}`;
  return suite === '/' ? base : `${base}/${suite.replace(/\/+$/, '')}`;
}

/** `InRelease` of a suite, else `Release` with its signature. Its signature is not looked at. Throws UserError. */
export async function fetchRelease(address: string, signal: AbortSignal): Promise<ReleaseFile> {
  try {
    return parse(await getBytes(`${address}/InRelease`, limit, signal), undefined, address);
  } catch (error) {
    if (!(error instanceof UserError) || !/^404\b/.test(error.message)) throw error;
  }
  const content = await getBytes(`${address}/Release`, limit, signal);
  const signature = await getBytes(`${address}/Release.gpg`, limit, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error instanceof UserError ? new UserError(`it is not signed (Release.gpg: ${error.message})`) : error;
  });
  return parse(content, signature, address);
}

/** The same from what this machine's apt has fetched; undefined where it has none. */
export async function ownRelease(entry: Pick<Entry, 'listed' | 'suite'>): Promise<ReleaseFile | undefined> {
  await using root = localRoot();
  const name = listName(suiteAddress({ uri: entry.listed, suite: entry.suite }));
  const read = async (ending: string) => {
    const one = await readOne(root, `${lists}/${name}_${ending}`);
    return 'content' in one ? one.content : undefined;
  };
  try {
    const inline = await read('InRelease');
    if (inline !== undefined) return parse(inline, undefined, name);
    const [content, signature] = [await read('Release'), await read('Release.gpg')];
    return content === undefined || signature === undefined ? undefined : parse(content, signature, name);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function parse(content: Buffer, signature: Buffer | undefined, what: string): ReleaseFile {
  const signed = signature === undefined ? splitClearsigned(content) : { content, signature };
  if (signed === undefined) throw new UserError(`${what}: InRelease is not a signed text`);
  const fields = parseParagraphs(signed.content.toString('utf8')).next().value?.fields ?? new Map<string, string>();
  const sums = new Map<string, { size: number; sha256: string }>();
  for (const line of (fields.get('sha256') ?? '').split('\n')) {
    const [sha256 = '', size = '', path = ''] = line.trim().split(/\s+/);
    if (/^[0-9a-f]{64}$/.test(sha256) && /^\d{1,12}$/.test(size) && isPoolPath(path)) {
      sums.set(path, { sha256, size: Number(size) });
    }
  }
  return {
    ...signed,
    release: parseRelease(signed.content, signed.signature),
    sums,
    byHash: fields.get('acquire-by-hash') === 'yes',
    architectures: (fields.get('architectures') ?? '').split(/\s+/),
    allInEach: fields.get('no-support-for-architecture-all') === 'Packages',
  };
}
