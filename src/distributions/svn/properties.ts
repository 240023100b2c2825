/**
 * A list of properties as wc.db keeps it ("skels": subversion/libsvn_subr/skel.c describes the form): `(name value …)`,
 * an atom either a word or a length, a space and so many bytes. What is not of that form ends the list.
 */
export function parseProperties(bytes: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  let at = text.startsWith('(') ? 1 : text.length;
  const next = (): string | undefined => {
    while (/[ \n\t\r\f]/.test(text[at] ?? '')) at += 1;
    const [, length] = /^(\d{1,9})[ \n\t\r\f]/.exec(text.slice(at, at + 10)) ?? [];
    if (length !== undefined) {
      const start = at + length.length + 1;
      at = start + Number(length);
      return at > text.length ? undefined : text.slice(start, at);
    }
    const [word] = /^[A-Za-z][^ \n\t\r\f()]*/.exec(text.slice(at, at + 4096)) ?? [];
    at += word?.length ?? 0;
    return word;
  };
  while (found.size < 10_000) {
    const name = next();
    const value = name === undefined ? undefined : next();
    if (name === undefined || value === undefined) break;
    found.set(name, Buffer.from(value, 'latin1').toString('utf8'));
  }
  return found;
}
