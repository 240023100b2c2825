import { UserError } from '../model/index.ts';
import { get } from './http.ts';
import { isSnapshotHost, snapshotTurns } from './turns.ts';

/** The body of a GET (see `get`), at most `limit` bytes. Throws UserError where it can't be had, or is larger. */
export async function getBytes(address: string, limit: number, signal: AbortSignal): Promise<Buffer> {
  const { host } = new URL(address);
  const read = async () => await collect(address, limit, signal);
  return isSnapshotHost(host) ? await snapshotTurns(host, read) : await read();
}

async function collect(address: string, limit: number, signal: AbortSignal): Promise<Buffer> {
  const response = await get(address, { signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > limit) throw new UserError(`${address} is larger than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError(`${address}: the line broke`, { cause: error });
  }
  return Buffer.concat(chunks);
}
