/**
 * Puts a prefix where a file has its placeholder. In text, everywhere, and an interpreter's line that the kernel would
 * cut is rewritten. In binaries, within strings that end with NUL, which keep their length by NULs at the end.
 * Returns undefined where a binary has no room for the prefix.
 * See https://docs.conda.io/projects/conda-build/en/stable/resources/make-relocatable.html.
 */
export function replacePrefix(
  content: Buffer,
  placeholder: string,
  prefix: string,
  how: 'text' | 'binary',
  options: { readonly encodings?: readonly Encoding[]; readonly longLines?: boolean } = {},
): Buffer | undefined {
  let replaced: Buffer | undefined = content;
  for (const encoding of options.encodings ?? ['utf8']) {
    const [from, to] = [encode(placeholder, encoding), encode(prefix, encoding)];
    if (replaced === undefined) return undefined;
    replaced = how === 'text' ? replaceText(replaced, from, to) : replaceStrings(replaced, from, to, widths[encoding]);
  }
  if (replaced === undefined || how === 'binary' || options.longLines === false) return replaced;
  return shortenInterpreter(replaced);
}

/** In how many bytes a character of a text is written; conda looks for all of these, rattler for UTF-8 only. */
export type Encoding = 'utf8' | 'utf16le' | 'utf16be' | 'utf32le' | 'utf32be';

/** All that conda looks for, in its order. */
export const allEncodings: readonly Encoding[] = ['utf8', 'utf16le', 'utf16be', 'utf32le', 'utf32be'];

const widths: Record<Encoding, number> = { utf8: 1, utf16le: 2, utf16be: 2, utf32le: 4, utf32be: 4 };

/** What the kernel reads of an interpreter's line (BINPRM_BUF_SIZE, less its end). */
const longestInterpreter = 127;

/** Every occurrence of `from`, whatever the length of `to`. */
export function replaceText(content: Buffer, from: Buffer, to: Buffer): Buffer {
  let at = content.indexOf(from);
  if (at === -1) return content;
  const pieces: Buffer[] = [];
  let done = 0;
  for (; at !== -1; at = content.indexOf(from, done)) {
    pieces.push(content.subarray(done, at), to);
    done = at + from.length;
  }
  pieces.push(content.subarray(done));
  return Buffer.concat(pieces);
}

/**
 * Occurrences in strings that end with NUL; each string keeps its length. `room`: NULs that follow a string may be
 * used, too. Undefined where a string has no room.
 */
export function replaceStrings(
  content: Buffer,
  from: Buffer,
  to: Buffer,
  width = 1,
  room: 'as long' | 'padding' = 'as long',
): Buffer | undefined {
  let at = content.indexOf(from);
  if (at === -1) return content;
  const copy = Buffer.from(content);
  for (; at !== -1;) {
    const end = endOf(content, at + from.length, width);
    if (end === -1) return copy; // no string of C's
    const text = replaceText(content.subarray(at, end), from, to);
    let limit = end;
    if (room === 'padding') while (limit + 1 < content.length && content[limit + 1] === 0) limit += 1;
    if (text.length > limit - at) return undefined;
    text.copy(copy, at);
    if (text.length < end - at) copy.fill(0, at + text.length, end);
    at = content.indexOf(from, end);
  }
  return copy;
}

/** Where the NUL that ends a string lies; -1 where none comes. */
function endOf(content: Buffer, from: number, width: number): number {
  if (width === 1) return content.indexOf(0, from);
  const zeros = Buffer.alloc(width);
  for (let at = content.indexOf(zeros, from); at !== -1; at = content.indexOf(zeros, at + 1)) {
    if ((at - from) % width === 0) return at;
  }
  return -1;
}

/** `#!` lines that are too long for the kernel look their interpreter up by name, as conda writes them. */
function shortenInterpreter(content: Buffer): Buffer {
  if (content[0] !== 0x23 || content[1] !== 0x21) return content;
  const newline = content.indexOf(0x0a);
  const line = content.subarray(0, newline === -1 ? content.length : newline);
  if (line.length <= longestInterpreter) return content;
  const [, path, options] = /^#!\s*((?:\\ |[^ \n\r])*)(.*)$/s.exec(line.toString('latin1')) ?? [];
  if (path === undefined || !path.startsWith('/')) return content;
  const program = path.slice(path.lastIndexOf('/') + 1);
  return Buffer.concat([
    Buffer.from(`#!/usr/bin/env ${program}${options ?? ''}`, 'latin1'),
    content.subarray(line.length),
  ]);
}

function encode(text: string, encoding: Encoding): Buffer {
  const plain = Buffer.from(text, 'utf8');
  if (encoding === 'utf8') return plain;
  const wide = Buffer.from(text, 'utf16le');
  if (encoding === 'utf16le') return wide;
  if (encoding === 'utf16be') return Buffer.from(wide).swap16();
  const points = Array.from(text, (one) => one.codePointAt(0) ?? 0);
  const widest = Buffer.alloc(points.length * 4);
  for (const [index, point] of points.entries()) {
    if (encoding === 'utf32le') widest.writeUInt32LE(point, index * 4);
    else widest.writeUInt32BE(point, index * 4);
  }
  return widest;
}
