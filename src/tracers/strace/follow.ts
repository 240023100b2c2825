import { closeSync, openSync, readSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

import type { LineReader } from './lines.ts';

/** Reads a file that somebody else is writing. */
export interface Follower {
  /** Takes the lines that have come since the last time. */
  advance(): void;
  /** Whether the file stops within a line, as far as it was read. */
  readonly cut: boolean;
  close(): void;
}

const piece = 64 * 1024;
const long = 4 * 1024 * 1024;

/** Opens the log; undefined while it is not there yet. */
export function followLog(path: string, reader: LineReader): Follower | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  let buffer = Buffer.allocUnsafeSlow(piece);
  let kept = 0; // the start of a line whose end has not come
  let position = 0;
  return {
    advance() {
      for (;;) {
        // A line holds the arguments of a program: up to some megabytes.
        if (kept === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
        const size = readSync(file, buffer, kept, buffer.length - kept, position);
        if (size === 0) return;
        if (position < long && position + size >= long) keepHeapSmall(true);
        position += size;
        const end = kept + size;
        const taken = reader.push(buffer.subarray(0, end));
        buffer.copyWithin(0, taken, end);
        kept = end - taken;
      }
    },
    get cut() {
      return kept > 0;
    },
    close() {
      closeSync(file);
      if (position >= long) keepHeapSmall(false);
    },
  };
}

/**
 * Lines are garbage as soon as they are read; left alone, V8 lets it grow to several times what is held (a log of
 * 5 M lines: 290 MB instead of 140), which it doesn't need to be fast.
 */
function keepHeapSmall(small: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${small ? 1 : 2}`);
  setFlagsFromString(`--heap-growing-percent=${small ? 30 : 0}`);
}
