import { once } from 'node:events';
import { constants, fstatSync, openSync, read, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { promisify } from 'node:util';

import { execProcess } from '../../sessions/process.ts';

/** Writes to a descriptor of ours, all of it, also where it is a pipe that does not block. */
export async function writeAll(descriptor: number, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length;) {
    try {
      at += writeSync(descriptor, piece, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(1);
    }
  }
}

/**
 * Passes what a descriptor of ours gives on, until its end or until the returned function is called. The descriptor
 * itself stays open: it is the caller's.
 */
export function feed(descriptor: number, input: Writable, raw: boolean): () => void {
  if (isatty(descriptor)) return feedFrom(new ReadStream(again(descriptor)), input, raw);
  if (fstatSync(descriptor).isFIFO()) {
    const fd = again(descriptor);
    return feedFrom(new Socket({ fd, readable: true, writable: false }), input, false);
  }
  let isWanted = true;
  void (async () => {
    try {
      for await (const piece of piecesOf(descriptor, () => isWanted)) {
        if (input.destroyed) return;
        if (!input.write(piece)) await Promise.race([once(input, 'drain'), once(input, 'close')]);
      }
    } catch {
      // as if it had ended: what can't be read gives nothing
    }
    input.end();
  })();
  return () => {
    isWanted = false;
  };
}

/**
 * Node's raw mode still turns newlines into CR LF, which the container's terminal has done already. Undone with the raw
 * mode: that puts everything back.
 */
export async function leaveNewlines(terminal: number): Promise<void> {
  if (isatty(terminal)) await execProcess(['stty', '-opost'], { stdin: terminal, stdout: 'ignore', stderr: 'ignore' });
}

/** The size of the terminal at a descriptor, as it is now. */
export function windowSize(descriptor: number): [columns: number, rows: number] | undefined {
  if (!isatty(descriptor)) return undefined;
  const terminal = new WriteStream(again(descriptor, true)); // one that is open keeps the size that it saw first
  const size = terminal.getWindowSize();
  terminal.destroy();
  return size;
}

/** Tells the size of the terminal at a descriptor, now and whenever it changes, until the returned function is called. */
export function followSize(descriptor: number, tell: (columns: number, rows: number) => Promise<void>): () => void {
  const tellNow = () => {
    const size = windowSize(descriptor);
    if (size !== undefined) void tell(...size);
  };
  tellNow();
  process.on('SIGWINCH', tellNow);
  return () => void process.off('SIGWINCH', tellNow);
}

function feedFrom(source: ReadStream | Socket, input: Writable, raw: boolean): () => void {
  const terminal = raw && source instanceof ReadStream ? source : undefined;
  terminal?.setRawMode(true);
  source.on('data', (piece: Buffer) => {
    if (input.destroyed || input.write(piece)) return;
    source.pause();
    input.once('drain', () => source.resume());
  });
  source.on('end', () => input.end());
  source.on('error', () => input.end()); // as if it had ended: EIO of a terminal that is gone
  return () => {
    terminal?.setRawMode(false);
    source.destroy();
  };
}

/** The same pipe or terminal under a descriptor that is ours to close. */
function again(descriptor: number, writes = false): number {
  return openSync(
    `/proc/self/fd/${descriptor}`,
    constants.O_NOCTTY | (writes ? constants.O_WRONLY : constants.O_RDONLY),
  );
}

/** Files, sockets and devices: read from where they stand. */
async function* piecesOf(descriptor: number, isWanted: () => boolean): AsyncIterable<Buffer> {
  const readSome = promisify(read);
  while (isWanted()) {
    const { bytesRead, buffer } = await readSome(descriptor, Buffer.allocUnsafe(65_536), 0, 65_536, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
