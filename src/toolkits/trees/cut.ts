import type { Note } from '../../model/index.ts';
import { cutAddress } from '../../formats/spec/secrets.ts';

/**
 * Which files of a tree may hold secrets that their installer has written there, by their path below the tree's top,
 * and what such a file's text is without them: the same text where there are none.
 */
export type CutOf = (path: string) => ((text: string) => string) | undefined;

/** A file's content less its secrets; undefined where there are none. Bytes that are no text stay as they are. */
export function cutContent(content: Uint8Array, cut: (text: string) => string): Buffer | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const text = bytes.toString('latin1');
  const without = cut(text);
  return without === text ? undefined : Buffer.from(without, 'latin1');
}

/** User names, passwords and the like in every address of a text. */
export function cutAddresses(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'<>,]+/gi, cutAddress);
}

/** Says which files are kept without the secrets that are in them. */
export function cutNotes(top: string, paths: readonly string[]): readonly Note[] {
  if (paths.length === 0) return [];
  const named = paths.slice(0, mostNamed).join(', ');
  const more = paths.length > mostNamed ? ` and ${paths.length - mostNamed} more` : '';
  const [hold, are] = paths.length === 1 ? ['holds', 'it is'] : ['hold', 'they are'];
  const text = `${named}${more} in ${top} ${hold} passwords or tokens: ${are} kept without`;
  return [{ kind: 'secret', path: top, text }];
}

const mostNamed = 3;
