import { compressionOf, decompressed } from '../../../roots/decompress.ts';
import { inflateLz4 } from './lz4.ts';

/** Endings of apt's lists, as APT::Compressor names them; the plain one first. */
export const listEndings = ['', '.lz4', '.xz', '.gz', '.zst', '.bz2', '.lzma'] as const;

/** What a list may become: bookworm's main is 45 MB. */
const limit = 1024 * 1024 * 1024;

/** The bytes of a compressed list, by what they begin with; as they are where that is nothing known. */
export async function inflate(packed: Buffer): Promise<Buffer> {
  if (packed.toString('latin1', 0, 4) === '\x04\x22\x4d\x18') return inflateLz4(packed, limit);
  const compression = compressionOf(packed);
  return compression === 'none' ? packed : await decompressed(packed, compression, limit, 'a list');
}
