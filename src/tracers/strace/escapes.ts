import { decodeName } from '../../roots/names.ts';

const simple: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 };

/**
 * Text as strace prints names and strings (C escapes, octal for what is not ASCII) to a name of ours; a copy that
 * doesn't keep the log's buffer alive.
 */
export function decodeEscapes(text: string): string {
  let at = text.indexOf('\\');
  if (at < 0) return copyText(text);
  const bytes = Buffer.allocUnsafe(text.length);
  let size = bytes.write(text.slice(0, at), 'latin1');
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code !== 92) {
      bytes[size++] = code;
      at += 1;
      continue;
    }
    const octal = octalLength(text, at + 1);
    if (octal > 0) {
      bytes[size++] = Number.parseInt(text.slice(at + 1, at + 1 + octal), 8);
      at += 1 + octal;
      continue;
    }
    if (text[at + 1] === 'x') {
      bytes[size++] = Number.parseInt(text.slice(at + 2, at + 4), 16);
      at += 4;
      continue;
    }
    bytes[size++] = simple[text[at + 1] ?? ''] ?? text.charCodeAt(at + 1);
    at += 2;
  }
  return decodeName(bytes.subarray(0, size));
}

/**
 * A string of its own from a part of the log (bytes as latin1): a slice would keep alive the whole piece of the log
 * that it was cut from.
 */
export function copyText(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'latin1').toString('latin1');
}

/** Where the string literal that opens at `quote` ends: the index of its closing quote, or -1. */
export function closingQuote(text: string, quote: number): number {
  let end = text.indexOf('"', quote + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === 92) slashes += 1;
  return slashes % 2 === 1;
}

function octalLength(text: string, at: number): number {
  let length = 0;
  while (length < 3) {
    const code = text.charCodeAt(at + length);
    if (!(code >= 48 && code <= 55)) break;
    length += 1;
  }
  return length;
}
