import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const pieceSize = 1024 * 1024;

/** Bytes that are kept until they are given on, in a file that has no name: nothing is left of it whatever happens. */
export interface Spool {
  add(piece: Uint8Array): void;
  /** Everything, in order, once; closes it. */
  give(): AsyncIterable<Uint8Array>;
  drop(): void;
}

export function openSpool(): Spool {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-spool-'));
  let descriptor = openSync(join(folder, 'content'), 'wx+', 0o600);
  rmSync(folder, { recursive: true });
  let waiting: Uint8Array[] = [];
  let size = 0;
  const flush = () => {
    if (size > 0) writeSync(descriptor, Buffer.concat(waiting, size));
    waiting = [];
    size = 0;
  };
  const drop = () => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  };
  return {
    add(piece) {
      waiting.push(piece);
      size += piece.length;
      if (size >= pieceSize) flush();
    },
    async *give() {
      flush();
      try {
        for (let at = 0; ;) {
          const piece = Buffer.allocUnsafe(pieceSize);
          const read = readSync(descriptor, piece, 0, pieceSize, at);
          if (read === 0) return;
          yield piece.subarray(0, read);
          at += read;
        }
      } finally {
        drop();
      }
    },
    drop,
  };
}
