import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, readlinkSync } from 'node:fs';

/** Never waits for a FIFO or a terminal, never follows a link at the last part. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** One for all: reads are synchronous, and nobody keeps it. */
const buffer = Buffer.allocUnsafeSlow(1 << 20);

/** So much is hashed at a stretch before others may run. */
const stretch = 32 * 1024 * 1024;

/** A file's bytes. Throws as `fs` does: EISDIR, EINVAL for what is no file, EFBIG past the limit. */
export function readUpTo(file: string | Buffer, limit: number, base: string): Buffer {
  const { descriptor, size } = openFile(file, base);
  try {
    if (size > limit) throw failure('EFBIG');
    // files of /proc have no size: read on until nothing comes
    const chunks: Buffer[] = [];
    for (let total = 0; ;) {
      const chunk = Buffer.allocUnsafeSlow(Math.max(4096, Math.min(size - total + 1, 1 << 26)));
      const length = readSync(descriptor, chunk, 0, chunk.length, null);
      if (length === 0) return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      total += length;
      if (total > limit) throw failure('EFBIG');
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Digests of a file's bytes, hexadecimal, one for each algorithm; the file is read once. */
export function hashFile(
  file: string | Buffer,
  algorithms: readonly ('sha256' | 'md5')[],
  base: string,
  signal?: AbortSignal,
): readonly string[] | Promise<readonly string[]> {
  const { descriptor, size } = openFile(file, base);
  let open = true;
  try {
    const length = fill(descriptor);
    if (length < buffer.length) return algorithms.map((algorithm) => hash(algorithm, buffer.subarray(0, length)));
    open = false;
    return hashRest(descriptor, algorithms, size, signal);
  } finally {
    if (open) closeSync(descriptor);
  }
}

/** What hashing gave, or undefined where the file can't be read. */
export async function tryHash<T>(make: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await make();
  } catch {
    return undefined;
  }
}

/** A function that lets others run when we have kept them for 30 ms. */
export function breathing(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < 30) return undefined;
    return pause().then(() => {
      since = performance.now();
    });
  };
}

/** Goes on where one buffer, still filled, was not enough. Closes the descriptor. */
async function hashRest(
  descriptor: number,
  algorithms: readonly ('sha256' | 'md5')[],
  size: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  try {
    const hashes = algorithms.map((algorithm) => createHash(algorithm));
    let done = 0;
    for (let length = buffer.length; length > 0; length = fill(descriptor)) {
      for (const made of hashes) made.update(buffer.subarray(0, length));
      done += length;
      // the buffer is everybody's: nothing is in it when we come back
      if (size <= stretch || done % stretch !== 0) continue;
      await pause();
      signal?.throwIfAborted();
    }
    return hashes.map((made) => made.digest('hex'));
  } finally {
    closeSync(descriptor);
  }
}

/** Reads until the buffer is full or the file has ended. */
function fill(descriptor: number): number {
  let length = 0;
  while (length < buffer.length) {
    const more = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (more === 0) break;
    length += more;
  }
  return length;
}

function openFile(file: string | Buffer, base: string): { descriptor: number; size: number } {
  const descriptor = openSync(file, flags);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw failure('EISDIR');
    if (!stats.isFile()) throw failure('EINVAL');
    if (base !== '' && !isInside(descriptor, base)) throw failure('ELOOP');
    return { descriptor, size: stats.size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Whether an opened file lies in the root: a folder on the way may have become a link after it was resolved. */
function isInside(descriptor: number, base: string): boolean {
  try {
    if (isDescriptorPath(base))
      return mountOf(`self/fdinfo/${descriptor}`) === mountOf(base.slice(6).replace('/fd/', '/fdinfo/'));
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(`${base}/`);
  } catch {
    return true; // no /proc here
  }
}

/** Whether a path is a process's descriptor: `/proc/PID/fd/N`. */
export function isDescriptorPath(path: string): boolean {
  return /^\/proc\/\d+\/fd\/\d+$/.test(path);
}

/** Which mount a descriptor is in (proc_pid_fdinfo(5)): for a tree that is mounted nowhere, paths say nothing. */
function mountOf(information: string): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${information}`, 'latin1'))?.[1];
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

async function pause(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
