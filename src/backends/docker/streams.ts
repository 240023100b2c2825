import { createReadStream, fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty, ReadStream } from 'node:tty';
import type { Duplex, Readable } from 'node:stream';

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

/** Passes what a descriptor of ours gives on, until its end or until the returned function is called. */
export function feed(descriptor: number, input: Duplex, raw: boolean): () => void {
  const source = open(descriptor);
  const terminal = raw && source instanceof ReadStream ? source : undefined;
  terminal?.setRawMode(true);
  source.on('data', (piece: Buffer) => {
    if (input.destroyed || input.write(piece)) return;
    source.pause();
    input.once('drain', () => source.resume());
  });
  source.on('end', () => input.end());
  source.on('error', () => input.end()); // as if it had ended: EIO of a terminal that is gone
  input.on('error', () => source.pause()); // the program does not read it any more
  return () => {
    source.pause();
    terminal?.setRawMode(false);
    // what is read ahead is ours; the descriptor is not
    if (source instanceof Socket) source.unref();
    else source.destroy();
  };
}

function open(descriptor: number): Readable {
  if (isatty(descriptor)) return new ReadStream(descriptor);
  const stat = fstatSync(descriptor);
  if (stat.isFIFO() || stat.isSocket()) return new Socket({ fd: descriptor, readable: true, writable: false });
  return createReadStream('', { fd: descriptor, autoClose: false });
}
