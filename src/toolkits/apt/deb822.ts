/** One paragraph: field names in lower case to values; the lines of a value joined by newlines, their indent kept off. */
export type Stanza = ReadonlyMap<string, string>;

/** A paragraph, as text and as fields; `broken` where a line of it is neither a field nor goes on with one. */
export interface Paragraph {
  readonly text: string;
  readonly fields: Stanza;
  readonly broken?: string;
}

/**
 * Reads paragraphs of deb822(5): dpkg's status, apt's lists and .sources, extended_states, Release files. A broken
 * line costs its paragraph's reader what he makes of it, not the rest of the file.
 */
export function* parseParagraphs(text: string): Generator<Paragraph> {
  let at = 0;
  while (at < text.length) {
    while (text.charCodeAt(at) === 10) at++;
    if (at >= text.length) return;
    const found = text.indexOf('\n\n', at);
    const end = found === -1 ? text.length : found;
    const paragraph = parseParagraph(text.slice(at, end));
    if (paragraph.fields.size > 0 || paragraph.broken !== undefined) yield paragraph;
    at = end + 1;
  }
}

function parseParagraph(text: string): Paragraph {
  const fields = new Map<string, string>();
  let name: string | undefined;
  let broken: string | undefined;
  for (const line of text.split('\n')) {
    const first = line.charCodeAt(0);
    if (first === 35) continue;
    if (first === 32 || first === 9) {
      if (name !== undefined) fields.set(name, `${fields.get(name) ?? ''}\n${line.slice(1).trimEnd()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) {
      if (line.trim() !== '') broken ??= line.slice(0, 80);
      name = undefined;
      continue;
    }
    name = line.slice(0, colon).trim().toLowerCase();
    fields.set(name, line.slice(colon + 1).trim());
  }
  return broken === undefined ? { text, fields } : { text, fields, broken };
}
