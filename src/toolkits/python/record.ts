import { posix } from 'node:path';

import { isSafeAbsolute } from '../../model/index.ts';

/** One line of a RECORD. */
export interface RecordEntry {
  /** As it is written: relative to the folder that the `.dist-info` lies in, `../` included. */
  readonly path: string;
  /** `sha256=…` in URL-safe base64 without padding; absent for RECORD itself and what was made afterwards. */
  readonly hash?: string;
  readonly size?: number;
}

/** No RECORD has more lines than this; what follows is not read. */
const mostEntries = 1_000_000;

/**
 * A RECORD of a `.dist-info`: a CSV file of path, hash and size ("Recording installed projects", packaging.python.org).
 * Lines that are none are left out.
 */
export function parseRecord(bytes: Uint8Array): RecordEntry[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const entries: RecordEntry[] = [];
  for (let at = 0; at < text.length && entries.length < mostEntries;) {
    if (text.charCodeAt(at) === quote) {
      const [path, next] = quoted(text, at);
      const end = lineEnd(text, next);
      if (path !== '' && text.charCodeAt(next) === comma) entries.push(entryOf(path, text, next + 1, end));
      at = end + 1;
      continue;
    }
    const end = lineEnd(text, at);
    const stop = text.indexOf(',', at);
    if (stop > at && stop < end) entries.push(entryOf(text.slice(at, stop), text, stop + 1, end));
    at = end + 1;
  }
  return entries;
}

/** A RECORD of these, as pip writes it: sorted by path, lines end with a newline. */
export function formatRecord(entries: readonly RecordEntry[]): string {
  const field = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return entries
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map(({ path, hash = '', size }) => `${field(path)},${hash},${size ?? ''}\n`)
    .join('');
}

/** Where an entry of a RECORD in `site` lies; undefined where it is no path that can be one. */
export function recordPath(site: string, path: string): string | undefined {
  const plain = !path.startsWith('.') && !path.startsWith('/') && !path.includes('/.') && !path.includes('//');
  const found = plain ? `${site}/${path}` : path.startsWith('/') ? posix.normalize(path) : posix.join(site, path);
  if (plain && path.length < 1024 && !path.includes('\0')) return found.endsWith('/') ? undefined : found;
  return isSafeAbsolute(found) ? found : undefined;
}

/** The sha256 of an entry in hexadecimal; undefined where it has none. */
export function recordSha256(hash: string | undefined): string | undefined {
  if (hash === undefined || !/^sha256=[\w-]{43}=?$/.test(hash)) return undefined;
  return Buffer.from(hash.slice('sha256='.length), 'base64url').toString('hex');
}

/** A sha256 in hexadecimal as a RECORD has it. */
export function toRecordHash(sha256: string): string {
  return `sha256=${Buffer.from(sha256, 'hex').toString('base64url')}`;
}

const [quote, comma] = [34, 44];

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function entryOf(path: string, text: string, at: number, lineEndsAt: number): RecordEntry {
  const end = text.charCodeAt(lineEndsAt - 1) === 13 ? lineEndsAt - 1 : lineEndsAt;
  const stop = text.indexOf(',', at);
  const hash = stop === -1 || stop >= end ? text.slice(at, end) : text.slice(at, stop);
  if (hash === '') return { path };
  const size = stop === -1 || stop >= end ? Number.NaN : Number.parseInt(text.slice(stop + 1, end), 10);
  return Number.isNaN(size) ? { path, hash } : { path, hash, size };
}

/** A field in quotes from `at` on, and where the text goes on behind it. */
function quoted(text: string, at: number): [field: string, next: number] {
  let field = '';
  for (let from = at + 1; ;) {
    const end = text.indexOf('"', from);
    if (end === -1) return ['', text.length];
    field += text.slice(from, end);
    if (text.charCodeAt(end + 1) !== quote) return [field, end + 1];
    field += '"';
    from = end + 2;
  }
}
