import { UserError } from '../../model/index.ts';
import { readBody } from '../../archives/get-bytes.ts';
import { get } from '../../archives/http.ts';
import type { ZipSource } from '../../roots/zip.ts';

/** What is at the end of an archive is asked for in one piece of this size: its directory, and RECORD before it. */
const tailSize = 96 * 1024;
/** Of servers that do not answer ranges, only files up to this size are looked into. */
const largestWhole = 32 * 1024 * 1024;

/** An archive on a server, of which only pieces are read. Throws UserError where it can't be had. */
export async function remoteZip(url: string, knownSize: number | undefined, signal: AbortSignal): Promise<ZipSource> {
  const size = knownSize ?? (await askSize(url, signal));
  let held: { readonly from: number; readonly bytes: Buffer } | undefined;
  const load = async (from: number, length: number): Promise<void> => {
    const to = from + length - 1;
    const response = await get(url, { signal, from, to, tries: 2 });
    if (response.status === 206 || (from === 0 && length === size)) {
      const bytes = await readBody(response, length, url);
      held = { from, bytes };
      return;
    }
    if (size > largestWhole) {
      await response.body?.cancel();
      throw new UserError(`${url}: its server sends no pieces`);
    }
    held = { from: 0, bytes: await readBody(response, size, url) };
  };
  return {
    label: url,
    size,
    async read(offset, length) {
      if (offset < 0 || offset + length > size) throw new UserError(`${url} is cut short`);
      if (length === 0) return Buffer.alloc(0);
      const isHeld = () =>
        held !== undefined && held.from <= offset && held.from + held.bytes.length >= offset + length;
      if (!isHeld()) {
        const from = Math.max(0, Math.min(offset, size - tailSize));
        const isTail = from >= size - tailSize;
        await load(isTail ? from : offset, isTail ? size - from : length);
      }
      if (held === undefined || !isHeld()) throw new UserError(`${url} is cut short`);
      return held.bytes.subarray(offset - held.from, offset - held.from + length);
    },
  };
}

async function askSize(url: string, signal: AbortSignal): Promise<number> {
  const response = await get(url, { signal, from: 0, to: 0, tries: 2 });
  await response.body?.cancel();
  const said =
    /\/(\d{1,15})$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? response.headers.get('content-length');
  if (said === null || said === undefined) throw new UserError(`${url}: its size is not told`);
  return Number(said);
}
