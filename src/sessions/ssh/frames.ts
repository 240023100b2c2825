import type { ChildProcess } from 'node:child_process';

import { nameBytes } from '../../roots/names.ts';

/** Requests and answers: a length in four bytes, then so many bytes, NUL-terminated fields as a rule. */
export function frameOf(fields: readonly (string | number)[]): Buffer {
  const body = fieldBytes(fields);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Fields, each with a NUL after it. */
export function fieldBytes(fields: readonly (string | number)[]): Buffer {
  const nul = Buffer.of(0);
  return Buffer.concat(
    fields.flatMap((field) => {
      if (String(field).includes('\0')) throw new TypeError('NUL in a field');
      return [nameBytes(String(field)), nul];
    }),
  );
}

/** The fields of an answer. */
export function fieldsOf(body: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = body.indexOf(0, at);
    fields.push(body.subarray(at, end < 0 ? body.length : end));
    at = end < 0 ? body.length : end + 1;
  }
  return fields;
}

/** The largest answer that is taken: a file's content, or a thousand entries. */
const largest = 600 * 1024 * 1024;

/** Reads one frame after the other; undefined when the other end is gone. */
export function frameReader(child: ChildProcess): () => Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let held = 0;
  let ended = false;
  let wake = () => {};
  child.stdout?.on('data', (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    if (held > 8 * 1024 * 1024) child.stdout?.pause();
    wake();
  });
  child.once('error', () => {});
  const end = () => {
    ended = true;
    wake();
  };
  child.stdout?.once('end', end);
  child.once('close', end);
  const take = async (size: number): Promise<Buffer | undefined> => {
    while (held < size) {
      if (ended) return undefined;
      child.stdout?.resume();
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const all = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    pieces.length = 0;
    if (all.length > size) pieces.push(all.subarray(size));
    held -= size;
    return all.subarray(0, size);
  };
  return async () => {
    const head = await take(4);
    if (head === undefined) return undefined;
    const size = head.readUInt32BE();
    if (size > largest) return undefined;
    return await take(size);
  };
}
