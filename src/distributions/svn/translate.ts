/** How Subversion names a keyword's value by several names (Subversion book, "Keyword Substitution"). */
const aliases: readonly (readonly string[])[] = [
  ['Author', 'LastChangedBy'],
  ['Date', 'LastChangedDate'],
  ['Rev', 'Revision', 'LastChangedRevision'],
  ['URL', 'HeadURL'],
  ['Id'],
  ['Header'],
];

/** Whether a working file may have other bytes than the repository, and be unchanged all the same. */
export function isTranslated(properties: ReadonlyMap<string, string>): boolean {
  return properties.has('svn:eol-style') || properties.has('svn:keywords');
}

/** A working file as the repository would have it: keywords without their values, line ends as the style says. */
export function toNormalForm(bytes: Buffer, properties: ReadonlyMap<string, string>): Buffer {
  let text = bytes.toString('latin1');
  const style = properties.get('svn:eol-style')?.trim();
  const eol = { native: '\n', LF: '\n', CRLF: '\r\n', CR: '\r' }[style ?? ''];
  if (eol !== undefined) text = text.replaceAll(/\r\n|\r|\n/g, eol);
  const keywords = keywordsOf(properties.get('svn:keywords') ?? '');
  if (keywords.size > 0) {
    text = text.replaceAll(
      /\$([^$\r\n:]{1,253})(::? )([^$\r\n]{0,250})\$/g,
      (whole, name: string, colon: string, value: string) => {
        if (!keywords.has(name)) return whole;
        // of a fixed width: the value's place stays
        return colon === ':: ' ? `$${name}:: ${' '.repeat(value.length)}$` : `$${name}$`;
      },
    );
    text = text.replaceAll(/\$([^$\r\n:]{1,253}):\$/g, (whole, name: string) =>
      keywords.has(name) ? `$${name}$` : whole,
    );
  }
  return Buffer.from(text, 'latin1');
}

function keywordsOf(value: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of value.split(/\s+/)) {
    const name = Buffer.from(word.split('=')[0] ?? '').toString('latin1');
    if (name === '') continue;
    const group = word.includes('=')
      ? undefined
      : aliases.find((names) => names.some((one) => one.toLowerCase() === name.toLowerCase()));
    for (const one of group ?? [name]) found.add(one);
  }
  return found;
}
