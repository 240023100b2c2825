import { gunzipSync, inflateSync } from 'node:zlib';

const largest = 64 * 1024 * 1024;

/**
 * How two contents differ, in words of a person: the first line, or the pixels, or only what wraps them. `host`: the
 * name of the machine that wrote the first, which no environment has.
 */
export function explainDifference(was: Buffer, is: Buffer, host?: string): string {
  if (was.equals(is)) return 'equal';
  return explainPng(was, is) ?? explainGzip(was, is) ?? explainText(was, is, host) ?? explainBytes(was, is);
}

function explainText(was: Buffer, is: Buffer, host: string | undefined): string | undefined {
  if (looksBinary(was) || looksBinary(is)) return undefined;
  const before = was.toString('utf8').split('\n');
  const after = is.toString('utf8').split('\n');
  const at = before.findIndex((line, index) => line !== after[index]);
  const first = at < 0 ? before.length : at;
  const differing = before.filter((line, index) => line !== after[index]);
  const others = differing.length - 1;
  const more = others > 0 ? `, and ${others} more ${others === 1 ? 'line' : 'lines'}` : '';
  const named = host !== undefined && differing.some((line) => isNamed(line, host));
  const why = named ? ` (it has the name of this machine, ${host}, in it: an environment has its own)` : '';
  return `line ${first + 1}: ${quoted(before[first])} → ${quoted(after[first])}${more}${why}`;
}

function isNamed(line: string, host: string): boolean {
  return line.split(/[^A-Za-z0-9.-]+/).some((word) => word === host || word.startsWith(`${host}.`));
}

function quoted(line: string | undefined): string {
  if (line === undefined) return 'nothing';
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line);
}

function explainBytes(was: Buffer, is: Buffer): string {
  const length = Math.min(was.length, is.length);
  let at = 0;
  while (at < length && was[at] === is[at]) at += 1;
  const sizes = was.length === is.length ? `${was.length} bytes both` : `${was.length} bytes → ${is.length} bytes`;
  return `${sizes}, different from byte ${at + 1} on`;
}

/** The same data in a gzip member of another time or name (RFC 1952, 2.3.1). */
function explainGzip(was: Buffer, is: Buffer): string | undefined {
  if (!isGzip(was) || !isGzip(is)) return undefined;
  try {
    const [before, after] = [was, is].map((bytes) => gunzipSync(bytes, { maxOutputLength: largest }));
    if (before === undefined || after === undefined) return undefined;
    if (before.equals(after)) return 'data equal, the gzip around it differs (a time, a name or the compression)';
    return `compressed data differs: ${explainDifference(before, after)}`;
  } catch {
    return undefined;
  }
}

/** The same pixels with other metadata: the image data of a PNG is its IDAT chunks (RFC 2083, 4.1.3). */
function explainPng(was: Buffer, is: Buffer): string | undefined {
  const [before, after] = [pngChunks(was), pngChunks(is)];
  if (before === undefined || after === undefined) return undefined;
  try {
    const [one, other] = [before, after].map((chunks) =>
      inflateSync(Buffer.concat(chunks.filter(({ kind }) => kind === 'IDAT').map(({ data }) => data)), {
        maxOutputLength: largest,
      }),
    );
    const header = (chunks: readonly Chunk[]) => chunks.find(({ kind }) => kind === 'IHDR')?.data ?? Buffer.alloc(0);
    if (one === undefined || other === undefined) return undefined;
    if (!header(before).equals(header(after))) return 'another size or kind of picture';
    if (!one.equals(other)) return 'other pixels';
    const dated = [...before, ...after].some(
      ({ kind, data }) => kind === 'tIME' || /date|time/i.test(data.toString('latin1', 0, 40)),
    );
    return `pixels equal, metadata differs${dated ? ' (a date)' : ''}`;
  } catch {
    return undefined;
  }
}

interface Chunk {
  readonly kind: string;
  readonly data: Buffer;
}

function pngChunks(bytes: Buffer): Chunk[] | undefined {
  if (!bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))) return undefined;
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) return undefined;
    chunks.push({ kind: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function looksBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, 8192).includes(0);
}
