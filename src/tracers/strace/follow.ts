import { closeSync, openSync, readSync } from 'node:fs';

import type { LineReader } from './lines.ts';

/** Reads a file that somebody else is writing. */
export interface Follower {
  /** Takes what has come since the last time; returns how many bytes. */
  advance(): number;
  close(): void;
}

const piece = 256 * 1024;

/** Opens the log; undefined while it is not there yet. */
export function followLog(path: string, reader: LineReader): Follower | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  const buffer = Buffer.allocUnsafeSlow(piece);
  let position = 0;
  return {
    advance() {
      let taken = 0;
      for (;;) {
        const size = readSync(file, buffer, 0, piece, position);
        if (size === 0) return taken;
        position += size;
        taken += size;
        reader.push(buffer.subarray(0, size));
      }
    },
    close() {
      closeSync(file);
    },
  };
}
