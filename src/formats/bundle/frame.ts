/** What is wrong with an archive as a whole, for people. */
export class BundleDamage extends Error {}

export const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** The most memory that a stranger's archive may ask for: zstd's own default. */
const widestWindow = 128 * 1024 * 1024;

/**
 * Lets the bytes of exactly one zstd frame through, and throws a BundleDamage for anything else. Node's decompressor
 * stops after the first frame in silence, whatever follows, and does not mind a missing end. Blocks say how long they
 * are (RFC 8878 §3.1), so nothing needs to be decoded to find the end.
 */
export async function* oneFrame(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frame = walkFrame();
  let step = frame.next();
  let held = Buffer.alloc(0); // bytes of a header that a chunk has cut
  let skip = 0;
  for await (const chunk of source) {
    let at = Math.min(skip, chunk.length);
    skip -= at;
    while (at < chunk.length) {
      if (step.done === true) throw new BundleDamage('something follows the end of the archive');
      const take = Math.min(step.value.read - held.length, chunk.length - at);
      held = Buffer.concat([held, chunk.subarray(at, at + take)]);
      at += take;
      if (held.length < step.value.read) break;
      step = frame.next(held);
      held = Buffer.alloc(0);
      if (step.done === true) continue;
      const jump = Math.min(step.value.skip, chunk.length - at);
      at += jump;
      skip = step.value.skip - jump;
    }
    yield chunk;
  }
  if (step.done !== true || skip > 0) throw new BundleDamage('the archive ends too early');
}

/** Skip so many bytes, then read so many: at least one. */
interface Need {
  readonly skip: number;
  readonly read: number;
}

/** Asks for the bytes that tell where the frame goes on; returns at its end. */
function* walkFrame(): Generator<Need, void, Buffer> {
  const start = yield { skip: 0, read: 5 };
  if (!start.subarray(0, 4).equals(zstdMagic)) throw new BundleDamage('not a bundle: no zstd archive');
  const descriptor = start[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const idSize = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const rest = idSize + contentSize;
  if (isSingle) {
    const content = (yield { skip: 0, read: rest }).subarray(idSize);
    checkWindow(content.length === 8 ? Number(content.readBigUInt64LE()) : content.readUIntLE(0, content.length));
  } else {
    const [window = 0] = yield { skip: 0, read: 1 + rest };
    const base = 2 ** (10 + (window >> 3));
    checkWindow(base + (base / 8) * (window & 7));
  }
  let skip = 0;
  for (;;) {
    const block = (yield { skip, read: 3 }).readUIntLE(0, 3);
    const type = (block >> 1) & 3;
    if (type === 3) throw new BundleDamage('the archive is damaged');
    skip = type === 1 ? 1 : block >> 3;
    if ((block & 1) === 1) break;
  }
  // The last byte of all is read, so that the end is known to be there.
  const left = skip + ((descriptor & 4) === 0 ? 0 : 4);
  if (left > 0) yield { skip: left - 1, read: 1 };
}

function checkWindow(size: number): void {
  if (size > widestWindow) throw new BundleDamage('the archive asks for more memory than is given to one');
}
