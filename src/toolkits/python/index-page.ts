import { UserError } from '../../model/index.ts';
import { getBytes } from '../../archives/get-bytes.ts';
import { cutAddress } from '../../formats/spec/secrets.ts';

/** A file that an index has of a project. */
export interface IndexFile {
  readonly file: string;
  readonly url: string;
  readonly sha256?: string;
  readonly size?: number;
}

const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.2, application/vnd.pypi.simple.v1+html;q=0.2';
const largestPage = 256 * 1024 * 1024;

/** Indexes that are asked what files projects have; each project once. */
export interface Indexes {
  readonly addresses: readonly string[];
  /** The files of a project, of all indexes that answer; and what came of those that did not. */
  filesOf(key: string): Promise<{ readonly files: readonly IndexFile[]; readonly failed: readonly string[] }>;
}

/** The simple repository API (PEP 503 and 691) at these addresses. `key` is normalised. */
export function openIndexes(addresses: readonly string[], signal: AbortSignal, patience = 20_000): Indexes {
  const dead = new Map<string, string>();
  const known = new Map<string, ReturnType<Indexes['filesOf']>>();
  const ask = async (address: string, key: string): Promise<readonly IndexFile[]> => {
    const page = `${address.replace(/\/+$/, '')}/${key}/`;
    const within = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    const body = await getBytes(page, largestPage, within, { accept, tries: 2 });
    return parseIndexPage(body, page);
  };
  return {
    addresses,
    async filesOf(key) {
      const held = known.get(key);
      if (held !== undefined) return await held;
      const asked = (async () => {
        const files: IndexFile[] = [];
        const failed: string[] = [];
        for (const address of addresses) {
          const reason = dead.get(address);
          if (reason !== undefined) {
            failed.push(`${address}: ${reason}`);
            continue;
          }
          try {
            files.push(...(await ask(address, key)));
          } catch (error) {
            signal.throwIfAborted();
            const said = error instanceof Error ? error.message : String(error);
            failed.push(`${address}: ${said}`);
            // an answer is an answer, also where it is no; one that can't be reached is not asked again
            if (!(error instanceof UserError) || !/^4\d\d\b/.test(said)) dead.set(address, said);
          }
        }
        return { files, failed };
      })();
      known.set(key, asked);
      return await asked;
    },
  };
}

/** A page of an index: JSON (PEP 691) or HTML (PEP 503). What is no file of it is left out. */
export function parseIndexPage(body: Uint8Array, address: string): IndexFile[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  return text.trimStart().startsWith('{') ? parseJsonPage(text, address) : parseHtmlPage(text, address);
}

function parseJsonPage(text: string, address: string): IndexFile[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  const files = (value as { files?: unknown } | null)?.files;
  if (!Array.isArray(files)) return [];
  return files.flatMap((one: unknown): IndexFile[] => {
    const { filename, url, hashes, size } = (one ?? {}) as Readonly<Record<string, unknown>>;
    const { sha256 } = (hashes ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof filename !== 'string' || typeof url !== 'string') return [];
    return toFile(filename, url, address, sha256, size);
  });
}

function parseHtmlPage(text: string, address: string): IndexFile[] {
  const found: IndexFile[] = [];
  for (const [, attributes = '', label = ''] of text.matchAll(/<a\s([^>]{1,8192})>([^<]{1,1024})<\/a\s*>/gi)) {
    const href = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes);
    const written = (href?.[1] ?? href?.[2] ?? '').replaceAll('&amp;', '&');
    if (written === '') continue;
    const sha256 = /#sha256=([0-9a-f]{64})/i.exec(written)?.[1]?.toLowerCase();
    found.push(...toFile(label.trim(), written.replace(/#.*$/, ''), address, sha256, undefined));
  }
  return found;
}

function toFile(file: string, url: string, address: string, sha256: unknown, size: unknown): IndexFile[] {
  const absolute = URL.parse(url, address);
  if (absolute === null || !/^https?:$/.test(absolute.protocol) || !/^[\w.!+-]{1,512}$/.test(file)) return [];
  return [
    {
      file,
      url: cutAddress(absolute.href),
      ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
      ...(typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    },
  ];
}
