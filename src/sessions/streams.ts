import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';

import type { StreamLock } from '../model/index.ts';
import { runProcess } from './process.ts';

export type StreamKind = 'terminal' | 'pipe' | 'file' | 'other' | 'closed';

/** What one of our descriptors is, as far as programs behave differently on it. `other`: /dev/null and its like. */
export function streamKind(fd: number): StreamKind {
  try {
    const stat = fstatSync(fd);
    if (stat.isFile()) return 'file';
    if (stat.isFIFO() || stat.isSocket()) return 'pipe';
    return isatty(fd) ? 'terminal' : 'other';
  } catch {
    return 'closed';
  }
}

/** A stream of ours, such as `process.stdin`. */
export type Input = NodeJS.ReadableStream & { destroy?(): unknown };

/** A pipe into a program, or out of one, whose bytes are also kept. */
export interface Tee {
  /** What the program gets; `end` closes it here. */
  readonly fd: number;
  /** Waits for what is still in the pipe and lets go of it; what went through. */
  end(): Promise<StreamLock>;
  /** The file that holds what went through. */
  readonly file: string;
}

/**
 * A pipe for a program's standard output. All of it goes to `file`, and to `onto` (a descriptor of ours) if one is
 * given. The program sees a pipe, as it would before `| cat`.
 */
export async function teeOut(file: string, onto: number | undefined): Promise<Tee> {
  const { read, write } = await pipe(`${file}.pipe`);
  const spool = openSync(file, 'w', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  const socket = new Socket({ fd: read, readable: true, writable: false });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => socket.destroy());
  let last = Date.now();
  socket.on('data', (chunk: Buffer) => {
    last = Date.now();
    size += chunk.length;
    hash.update(chunk);
    writeAll(spool, chunk);
    if (onto === undefined) return;
    try {
      writeAll(onto, chunk);
    } catch (error) {
      // nobody reads any more: then the program is told so, as without us between
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
      socket.destroy();
    }
  });
  return {
    fd: write,
    file,
    async end() {
      closeSync(write);
      // a daemon that the program left behind may hold the other end for ever
      while (!socket.closed && Date.now() - last < 250) await Promise.race([closed, sleep(50)]);
      socket.destroy();
      await closed;
      closeSync(spool);
      return { size, sha256: hash.digest('hex') };
    },
  };
}

/** A pipe for a program's standard input: what our own gives, kept as far as it was passed on. */
export async function teeIn(file: string, input: Input): Promise<Tee> {
  const { read, write } = await pipe(`${file}.pipe`);
  const spool = openSync(file, 'w', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  const socket = new Socket({ fd: write, readable: false, writable: true });
  socket.on('error', () => socket.destroy()); // the program may end before it has read everything
  input.on('data', (chunk: Buffer) => {
    size += chunk.length;
    hash.update(chunk);
    writeAll(spool, chunk);
    if (!socket.destroyed && !socket.write(chunk)) {
      input.pause();
      socket.once('drain', () => input.resume());
    }
  });
  input.on('end', () => socket.end());
  return {
    fd: read,
    file,
    async end() {
      closeSync(read);
      input.destroy?.();
      socket.destroy();
      await new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
      closeSync(spool);
      return { size, sha256: hash.digest('hex') };
    },
  };
}

/** Keeps what a regular file at one of our descriptors still has to give, without moving its position. */
export function copyRest(fd: number, file: string): StreamLock {
  const spool = openSync(file, 'w', 0o600);
  const hash = createHash('sha256');
  const own = openSync(`/proc/self/fd/${fd}`, 'r');
  const buffer = Buffer.alloc(1 << 20);
  let at = position(fd);
  let size = 0;
  for (;;) {
    const count = readSync(own, buffer, 0, buffer.length, at);
    if (count === 0) break;
    at += count;
    size += count;
    hash.update(buffer.subarray(0, count));
    writeAll(spool, buffer.subarray(0, count));
  }
  closeSync(own);
  closeSync(spool);
  return { size, sha256: hash.digest('hex') };
}

/** Node has no lseek; the kernel tells the position of a descriptor (proc(5), fdinfo). */
function position(fd: number): number {
  const info = Buffer.alloc(4096);
  const handle = openSync(`/proc/self/fdinfo/${fd}`, 'r');
  const count = readSync(handle, info);
  closeSync(handle);
  return Number(/^pos:\s*(\d+)/m.exec(info.toString('latin1', 0, count))?.[1] ?? 0);
}

/** A named pipe has no name any more as soon as both ends are open. */
async function pipe(path: string): Promise<{ read: number; write: number }> {
  await runProcess(['mkfifo', '-m', '600', '--', path]);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, constants.O_WRONLY);
  unlinkSync(path);
  return { read, write };
}

/** Writes all of it to a descriptor, also where the other end is slow and the descriptor does not wait. */
export function writeAll(fd: number, content: Uint8Array | string): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // the reader is slower than we are
    }
  }
}
