/**
 * File names are bytes; ours are strings. Bytes that are not UTF-8 become lone surrogates U+DC80 to U+DCFF, and come
 * back from them, as in Python's surrogateescape (PEP 383). Every name survives the round trip.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes to a name. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return decodeOdd(bytes);
  }
}

/** A name to what Node's `fs` takes: the string itself, or bytes where it stands for odd ones. */
export function encodeName(name: string): string | Buffer {
  return name.isWellFormed() ? name : nameBytes(name);
}

/** A name to its bytes. */
export function nameBytes(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name);
  const parts: Buffer[] = [];
  for (const point of name) {
    const code = point.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(point));
  }
  return Buffer.concat(parts);
}

function decodeOdd(bytes: Uint8Array): string {
  let name = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at] ?? 0);
    const piece = bytes.subarray(at, at + length);
    try {
      name += utf8.decode(piece);
      at += length;
    } catch {
      name += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    }
  }
  return name;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}
