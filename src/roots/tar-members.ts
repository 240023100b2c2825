import { UserError, type Entry } from '../model/index.ts';
import { decodeName } from './names.ts';
import {
  blocksOf,
  blockSize,
  isSumRight,
  isZeroBlock,
  readDecimal,
  readName,
  readNumber,
  readRecords,
  untilNul,
} from './tar-block.ts';

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

type Extended = ReadonlyMap<string, Buffer>;

const maximumHeader = 1024 * 1024;

/**
 * The members of a tar that is not compressed, in order: ustar, pax (also global headers), GNU long names, numbers in
 * base 256, file capabilities as `SCHILY.xattr.security.capability`. Memory does not grow with the archive.
 * Throws UserError for what is not a tar, is cut short, or has sparse members.
 * See pax(1) and https://www.gnu.org/software/tar/manual/html_node/Standard.html.
 */
export async function* readMembers(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Member> {
  const input = new Input(stream);
  const global = new Map<string, Buffer>();
  const local = new Map<string, Buffer>();
  try {
    for (;;) {
      const header = await input.take(blockSize, true);
      if (header === undefined || isZeroBlock(header)) return;
      if (!isSumRight(header)) throw new UserError(`not a tar, or a broken one (byte ${input.position - blockSize})`);
      const kind = String.fromCharCode(header[156] ?? 0);
      const length = number(header, 124, 12);
      if ('xgLK'.includes(kind)) {
        if (length > maximumHeader) throw new UserError('a tar has an extended header of more than 1 MiB');
        const body = (await input.take(length)) ?? Buffer.alloc(0);
        await input.skip(blocksOf(length) - length);
        if (kind === 'L' || kind === 'K') local.set(kind === 'L' ? 'path' : 'linkpath', untilNul(body));
        else for (const [key, value] of records(body)) (kind === 'g' ? global : local).set(key, value);
        continue;
      }
      const extended: Extended = new Map([...global, ...local]);
      local.clear();
      if (kind === 'S' || [...extended.keys()].some((key) => key.startsWith('GNU.sparse'))) {
        throw new UserError('a tar with sparse files is not supported', { hint: 'write it without --sparse' });
      }
      const stated = numberOf(extended, 'size') ?? length;
      const member = toMember(header, kind, extended, stated, input);
      const end = input.position + blocksOf(stated);
      // directories of old and GNU tars may have a size; others than files have no content whatever they say
      if (member !== undefined) yield member;
      await input.skip(end - input.position);
    }
  } finally {
    await input.close();
  }
}

function toMember(header: Buffer, kind: string, extended: Extended, stated: number, input: Input): Member | undefined {
  const raw = decodeName(extended.get('path') ?? readName(header));
  const type = typeOf(kind, raw);
  if (type === undefined) return undefined;
  const size = type === 'file' ? stated : 0;
  const offset = input.position;
  const capability = extended.get('SCHILY.xattr.security.capability');
  const mtime = Number(extended.get('mtime')?.toString('latin1') ?? sound(readNumber(header, 136, 12)));
  return {
    name: raw
      .replace(/^(?:\.\/+)+/, '')
      .replace(/\/+$/, '')
      .replace(/^\.$/, ''),
    type,
    mode: number(header, 100, 8) & 0o7777,
    uid: numberOf(extended, 'uid') ?? number(header, 108, 8),
    gid: numberOf(extended, 'gid') ?? number(header, 116, 8),
    size,
    mtimeMs: Number.isFinite(mtime) ? mtime * 1000 : 0,
    offset,
    ...((type === 'link' || type === 'hardlink') && {
      target: decodeName(extended.get('linkpath') ?? untilNul(header.subarray(157, 257))),
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

function records(body: Buffer): Extended {
  const found = readRecords(body);
  if (found === undefined) throw new UserError('a tar has a broken extended header');
  return found;
}

function numberOf(extended: Extended, key: string): number | undefined {
  const digits = extended.get(key);
  return digits === undefined ? undefined : sound(readDecimal(digits));
}

function number(header: Buffer, at: number, length: number): number {
  const value = sound(readNumber(header, at, length));
  if (value < 0) throw new UserError('a tar has a number that is negative');
  return value;
}

function sound(value: number): number {
  if (!Number.isSafeInteger(value)) throw new UserError('a tar has a number that is none, or is too large');
  return value;
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
