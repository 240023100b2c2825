import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';

/** The largest object that is read as a whole, in bytes. */
const largestObject = 256 * 1024 * 1024;

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** One object of git's, by its content. */
export interface GitObject {
  readonly type: ObjectType;
  readonly data: Buffer;
}

/** A member of a tree: a file, a folder (0o040000), a link or a submodule (0o160000). */
export interface TreeMember {
  readonly mode: number;
  readonly name: string;
  readonly id: string;
}

const types: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };

/** A loose object's file (gitformat-loose(5)); undefined where it is none. */
export function parseLoose(bytes: Buffer): GitObject | undefined {
  let plain: Buffer;
  try {
    plain = inflateSync(bytes, { maxOutputLength: largestObject });
  } catch {
    return undefined;
  }
  const end = plain.indexOf(0);
  const [, type, size] =
    /^(commit|tree|blob|tag) (\d{1,12})$/.exec(plain.toString('latin1', 0, Math.min(end, 32))) ?? [];
  const data = plain.subarray(end + 1);
  return type === undefined || Number(size) !== data.length ? undefined : { type: type as ObjectType, data };
}

/** A member of a pack as it is stored: whole, or as what it changes of another one. */
export type PackedObject =
  | { readonly is: 'whole'; readonly object: GitObject }
  | { readonly is: 'delta'; readonly base: number | string; readonly delta: Buffer };

/**
 * The member of a pack at the beginning of `bytes` (gitformat-pack(5)); `offset` is where that lies in the pack. A delta's
 * base is an offset or an id. Undefined where it is broken.
 */
export function parsePacked(bytes: Buffer, offset: number, idLength: 20 | 32): PackedObject | undefined {
  try {
    let at = 0;
    let byte = bytes.readUInt8(at++);
    const kind = (byte >> 4) & 7;
    let size = byte & 15;
    for (let factor = 16; (byte & 0x80) !== 0; factor *= 128) {
      byte = bytes.readUInt8(at++);
      size += (byte & 0x7f) * factor;
    }
    if (size > largestObject) return undefined;
    let base: number | string | undefined;
    if (kind === 6) {
      byte = bytes.readUInt8(at++);
      let back = byte & 0x7f;
      while ((byte & 0x80) !== 0) {
        byte = bytes.readUInt8(at++);
        back = (back + 1) * 128 + (byte & 0x7f);
      }
      if (back <= 0 || back > offset) return undefined;
      base = offset - back;
    } else if (kind === 7) {
      base = bytes.toString('hex', at, at + idLength);
      at += idLength;
    }
    const data = inflateSync(bytes.subarray(at), { maxOutputLength: size + 1 });
    if (data.length !== size) return undefined;
    if (base !== undefined) return { is: 'delta', base, delta: data };
    const type = types[kind];
    return type === undefined ? undefined : { is: 'whole', object: { type, data } };
  } catch {
    return undefined;
  }
}

/** What a delta makes of its base; undefined where it does not fit. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer | undefined {
  let at = 0;
  const readSize = (): number => {
    let size = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = delta.readUInt8(at++);
      size += (byte & 0x7f) * factor;
      if ((byte & 0x80) === 0) return size;
    }
  };
  try {
    if (readSize() !== base.length) return undefined;
    const size = readSize();
    if (size > largestObject) return undefined;
    const out = Buffer.alloc(size);
    let end = 0;
    while (at < delta.length) {
      const code = delta.readUInt8(at++);
      if (code === 0) return undefined;
      if (code < 0x80) {
        end += delta.copy(out, end, at, at + code);
        at += code;
        continue;
      }
      let from = 0;
      let length = 0;
      for (let bit = 0; bit < 4; bit += 1)
        if ((code & (1 << bit)) !== 0) from += delta.readUInt8(at++) * 2 ** (8 * bit);
      for (let bit = 0; bit < 3; bit += 1)
        if ((code & (16 << bit)) !== 0) length += delta.readUInt8(at++) * 2 ** (8 * bit);
      if (length === 0) length = 0x10000;
      if (from + length > base.length) return undefined;
      end += base.copy(out, end, from, from + length);
    }
    return end === size ? out : undefined;
  } catch {
    return undefined;
  }
}

/** The members of a tree object, as far as they can be read. */
export function parseTreeObject(data: Buffer, idLength: 20 | 32): readonly TreeMember[] {
  const members: TreeMember[] = [];
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const zero = data.indexOf(0, space);
    if (space === -1 || zero === -1 || zero + 1 + idLength > data.length) break;
    members.push({
      mode: Number.parseInt(data.toString('latin1', at, space), 8),
      name: data.toString('utf8', space + 1, zero),
      id: data.toString('hex', zero + 1, zero + 1 + idLength),
    });
    at = zero + 1 + idLength;
  }
  return members;
}

/** The id of an object. */
export function idOfObject(algorithm: 'sha1' | 'sha256', type: ObjectType, data: Uint8Array): string {
  return createHash(algorithm).update(`${type} ${data.length}\0`).update(data).digest('hex');
}
