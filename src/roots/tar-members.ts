import { UserError, type Entry } from '../model/index.ts';
import { decodeName } from './names.ts';

/** One member of a tar, as its headers have it. Nothing about it is to be trusted. */
export interface Member {
  /** As it stands in the archive, less `./` in front and `/` at the end; the empty text is the root itself. */
  readonly name: string;
  readonly type: Entry['type'] | 'hardlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content in the archive; 0 for everything but files. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Of a link or hard link: where it leads, as it stands in the archive. */
  readonly target?: string;
  readonly device?: readonly [number, number];
  /** The raw `security.capability` attribute, in hexadecimal. */
  readonly capability?: string;
  /** Where its content begins in the (uncompressed) archive. */
  readonly offset: number;
  /** The content, once, before the next member is asked for; what is not taken is skipped. */
  content(): AsyncIterable<Buffer>;
}

interface Extended {
  readonly [key: string]: Buffer | undefined;
}

const block = 512;
const maximumHeader = 1024 * 1024;

/**
 * The members of a tar that is not compressed, in order: ustar, pax (also global headers), GNU long names, numbers in
 * base 256, file capabilities as `SCHILY.xattr.security.capability`. Memory does not grow with the archive.
 * Throws UserError for what is not a tar, is cut short, or has sparse members.
 * See pax(1) and https://www.gnu.org/software/tar/manual/html_node/Standard.html.
 */
export async function* readMembers(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Member> {
  const input = new Input(stream);
  const global: Record<string, Buffer> = Object.create(null);
  let local: Record<string, Buffer> = Object.create(null);
  try {
    for (;;) {
      const header = await input.take(block, true);
      if (header === undefined || isZero(header)) return;
      if (!isChecked(header)) throw new UserError(`not a tar, or a broken one (byte ${input.position - block})`);
      const kind = String.fromCharCode(header[156] ?? 0);
      const length = number(header, 124, 12);
      if ('xgLK'.includes(kind)) {
        if (length > maximumHeader) throw new UserError('a tar has an extended header of more than 1 MiB');
        const body = (await input.take(length)) ?? Buffer.alloc(0);
        await input.skip(padding(length));
        if (kind === 'g' || kind === 'x') Object.assign(kind === 'g' ? global : local, records(body));
        else local[kind === 'L' ? 'path' : 'linkpath'] = untilNul(body);
        continue;
      }
      const extended: Extended = { ...global, ...local };
      local = Object.create(null);
      if (kind === 'S' || Object.keys(extended).some((key) => key.startsWith('GNU.sparse'))) {
        throw new UserError('a tar with sparse files is not supported', { hint: 'write it without --sparse' });
      }
      const stated = extended['size'] === undefined ? length : decimal(extended['size']);
      const member = toMember(header, kind, extended, stated, input);
      const end = input.position + stated + padding(stated);
      // directories of old and GNU tars may have a size; others than files have no content whatever they say
      if (member !== undefined) yield member;
      await input.skip(end - input.position);
    }
  } finally {
    await input.close();
  }
}

function toMember(header: Buffer, kind: string, extended: Extended, stated: number, input: Input): Member | undefined {
  const raw = decodeName(extended['path'] ?? nameOf(header));
  const type = typeOf(kind, raw);
  if (type === undefined) return undefined;
  const size = type === 'file' ? stated : 0;
  const offset = input.position;
  const capability = extended['SCHILY.xattr.security.capability'];
  const mtime =
    extended['mtime'] === undefined ? number(header, 136, 12) : Number(extended['mtime'].toString('latin1'));
  return {
    name: raw
      .replace(/^(?:\.\/+)+/, '')
      .replace(/\/+$/, '')
      .replace(/^\.$/, ''),
    type,
    mode: number(header, 100, 8) & 0o7777,
    uid: extended['uid'] === undefined ? number(header, 108, 8) : decimal(extended['uid']),
    gid: extended['gid'] === undefined ? number(header, 116, 8) : decimal(extended['gid']),
    size,
    mtimeMs: Number.isFinite(mtime) ? mtime * 1000 : 0,
    offset,
    ...((type === 'link' || type === 'hardlink') && {
      target: decodeName(extended['linkpath'] ?? untilNul(header.subarray(157, 257))),
    }),
    ...((type === 'character' || type === 'block') && {
      device: [number(header, 329, 8), number(header, 337, 8)] as const,
    }),
    ...(capability !== undefined && { capability: capability.toString('hex') }),
    async *content() {
      while (input.position < offset + size) yield await input.piece(offset + size - input.position);
    },
  };
}

function typeOf(kind: string, name: string): Member['type'] | undefined {
  switch (kind) {
    case '\0':
    case '0':
    case '7':
      return name.endsWith('/') ? 'directory' : 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'link';
    case '3':
      return 'character';
    case '4':
      return 'block';
    case '5':
    case 'D':
      return 'directory';
    case '6':
      return 'fifo';
    default:
      return undefined;
  }
}

function nameOf(header: Buffer): Buffer {
  const name = untilNul(header.subarray(0, 100));
  // GNU's magic is "ustar  \0" and it has other things where ustar has the prefix
  if (header.toString('latin1', 257, 263) !== 'ustar\0' || header[345] === 0) return name;
  return Buffer.concat([untilNul(header.subarray(345, 500)), Buffer.from('/'), name]);
}

/** `LENGTH KEY=VALUE\n`, again and again; values are bytes. */
function records(body: Buffer): Extended {
  const found: Record<string, Buffer> = Object.create(null);
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const length = space < 0 ? 0 : decimal(body.subarray(at, space));
    const equals = body.indexOf(0x3d, space);
    if (length <= space - at || at + length > body.length || equals < 0 || equals >= at + length) {
      throw new UserError('a tar has a broken extended header');
    }
    found[body.toString('utf8', space + 1, equals)] = body.subarray(equals + 1, at + length - 1);
    at += length;
  }
  return found;
}

function decimal(bytes: Buffer): number {
  const value = /^[0-9]{1,16}$/.test(bytes.toString('latin1')) ? Number(bytes.toString('latin1')) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UserError('a tar has a number that is none');
  return value;
}

/** Octal digits, or base 256 where the first bit is set. */
function number(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) {
    let value = (header[at] ?? 0) & 0x7f;
    if (value === 0x7f) return 0; // negative: times before 1970
    for (let index = 1; index < length; index += 1) value = value * 256 + (header[at + index] ?? 0);
    if (!Number.isSafeInteger(value)) throw new UserError('a tar has a number that is too large');
    return value;
  }
  const text = header
    .toString('latin1', at, at + length)
    .replaceAll('\0', ' ')
    .trim();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw new UserError('a tar has a number that is none');
  return Number.parseInt(text, 8);
}

function isChecked(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let index = 0; index < block; index += 1) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  const text = header.toString('latin1', 148, 156).replaceAll('\0', ' ').trim();
  return /^[0-7]+$/.test(text) && Number.parseInt(text, 8) === sum;
}

function isZero(header: Buffer): boolean {
  return header[0] === 0 && header.every((byte) => byte === 0);
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function padding(size: number): number {
  return (block - (size % block)) % block;
}

/** A stream of bytes that is read by length. */
class Input {
  position = 0;
  private readonly chunks: AsyncIterator<Uint8Array>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; undefined at the very end where that is allowed. */
  async take(length: number, mayEnd = false): Promise<Buffer | undefined> {
    if (this.rest.length >= length) return this.cut(length);
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.rest.length === 0 && !(await this.more())) {
        if (mayEnd && missing === length) return undefined;
        throw new UserError('a tar ends in the middle');
      }
      const part = this.cut(Math.min(missing, this.rest.length));
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** What is at hand, at most `length` bytes, at least one. */
  async piece(length: number): Promise<Buffer> {
    if (this.rest.length === 0 && !(await this.more())) throw new UserError('a tar ends in the middle');
    return this.cut(Math.min(length, this.rest.length));
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0;) missing -= (await this.piece(missing)).length;
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private cut(length: number): Buffer {
    const part = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    this.position += length;
    return part;
  }

  private async more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.chunks.next();
      if (done === true) return false;
      if (value.length === 0) continue;
      this.rest = Buffer.from(value.buffer, value.byteOffset, value.length);
      return true;
    }
  }
}
