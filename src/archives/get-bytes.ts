import { UserError } from '../model/index.ts';
import { get, type GetOptions } from './http.ts';
import { isSnapshotHost, snapshotTurns } from './turns.ts';

/** The body of a GET (see `get`), at most `limit` bytes. Throws UserError where it can't be had, or is larger. */
export async function getBytes(
  address: string,
  limit: number,
  signal: AbortSignal,
  options: Pick<GetOptions, 'accept' | 'tries'> = {},
): Promise<Buffer> {
  const { host } = new URL(address);
  const read = async () => await readBody(await get(address, { ...options, signal }), limit, address);
  return isSnapshotHost(host) ? await snapshotTurns(host, read) : await read();
}

/** The whole body of an answer, at most `limit` bytes; `what` names it in errors. */
export async function readBody(response: Response, limit: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > limit) throw new UserError(`${what} is larger than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${what}: the line broke`, { cause: error });
  }
  return Buffer.concat(chunks);
}
