import { UserError } from '../../../model/index.ts';
import { decodeName, nameBytes } from '../../../roots/names.ts';
import { refused } from '../../../roots/refused.ts';

/** One member of a payload. */
export interface CpioMember {
  /** Absolute: `/usr/bin/x`. Empty where `index` says which file of the header it is. */
  readonly path: string;
  /** The file's position in the header, where the archive has that only (files of 4 GiB and more). */
  readonly index?: number;
  readonly mode: number;
  readonly mtime: number;
  readonly inode: number;
  readonly size: number;
  content(): AsyncGenerator<Buffer, void, undefined>;
}

const nameLimit = 8192;

/** Reads cpio in the new ASCII form (cpio(5)) and rpm's stripped one, as a stream. What is not read of a member is skipped. */
export async function* readCpio(
  stream: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<CpioMember, void, undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const fill = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done === true) return false;
    const piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    return true;
  };
  const take = async (length: number): Promise<Buffer> => {
    while (held.length < length) if (!(await fill())) throw new UserError(`${what}: its payload is cut short`);
    const piece = held.subarray(0, length);
    held = held.subarray(length);
    return piece;
  };
  async function* flow(length: number): AsyncGenerator<Buffer, void, undefined> {
    let left = length;
    while (left > 0) {
      if (held.length === 0 && !(await fill())) throw new UserError(`${what}: its payload is cut short`);
      const piece = held.subarray(0, Math.min(left, held.length));
      held = held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
  try {
    for (;;) {
      const magic = (await take(6)).toString('latin1');
      if (magic === '07070X') {
        const index = Number.parseInt((await take(8)).toString('latin1'), 16);
        await take(2);
        yield { path: '', index, mode: 0, mtime: 0, inode: 0, size: 0, content: () => flow(0) };
        throw new UserError(`${what}: files of 4 GiB and more can't be unpacked`);
      }
      if (magic !== '070701' && magic !== '070702') throw new UserError(`${what}: its payload is no cpio archive`);
      const fields = (await take(104)).toString('latin1');
      const field = (index: number) => {
        const digits = fields.slice(index * 8, index * 8 + 8);
        if (!/^[0-9a-fA-F]{8}$/.test(digits)) throw new UserError(`${what}: its payload is broken`);
        return Number.parseInt(digits, 16);
      };
      const [inode, mode, mtime, size, length] = [field(0), field(1), field(5), field(6), field(11)];
      if (length === 0 || length > nameLimit) throw new UserError(`${what}: its payload is broken`);
      const name = decodeName(Buffer.from((await take(length)).subarray(0, length - 1)));
      await take((4 - ((110 + length) % 4)) % 4);
      if (name === 'TRAILER!!!') return;
      if (name.includes('\0') || name.split('/').includes('..')) {
        throw refused(what, name);
      }
      let left = size;
      const body = flow(size);
      yield {
        path: name.replace(/^\.?\/*/, '/'),
        mode,
        mtime,
        inode,
        size,
        async *content() {
          for await (const piece of body) {
            left -= piece.length;
            yield piece;
          }
        },
      };
      for await (const piece of flow(left)) left -= piece.length;
      await take((4 - (size % 4)) % 4);
    }
  } finally {
    await chunks.return?.();
  }
}

/** The header of a member in the new ASCII form, its name and their padding. */
export function cpioHeader(of: {
  readonly path: string;
  readonly mode: number;
  readonly mtime: number;
  readonly inode: number;
  readonly size: number;
}): Buffer {
  const name = of.path === 'TRAILER!!!' ? Buffer.from(of.path) : nameBytes(`.${of.path}`);
  const fields = [of.inode, of.mode, 0, 0, 1, of.mtime, of.size, 0, 0, 0, 0, name.length + 1, 0];
  const head = Buffer.from(`070701${fields.map((field) => (field >>> 0).toString(16).padStart(8, '0')).join('')}`);
  const padding = (4 - ((110 + name.length + 1) % 4)) % 4;
  return Buffer.concat([head, name, Buffer.alloc(1 + padding)]);
}

/** What follows content of that size. */
export function cpioPadding(size: number): Buffer {
  return Buffer.alloc((4 - (size % 4)) % 4);
}
