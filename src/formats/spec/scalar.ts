/**
 * A value as YAML writes it on one line, so that YAML 1.1 and 1.2 readers read the same: a text stands plain only
 * where no reader takes it for anything else, else in double quotes (https://yaml.org/type/, YAML 1.2 §10.3).
 */
export function scalarText(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return isPlain(value) ? value : quote(value);
}

const letter = String.raw`\p{L}\p{N}`;
const plain = new RegExp(
  String.raw`^(?:[${letter}_/.+~(=<$;^]|-{1,2}(?=\p{L}))(?:[${letter}\p{M}_/.+~()=<>$;^@%*!|&'\\-]|:(?=[${letter}_/.+~(=-])| (?=[${letter}_/.+~()=<>$;^-]))*$`,
  'u',
);

/** What a reader would take for something that is no text. Case counts for none of them. */
const guessed = [
  /^(?:~|null|true|false|yes|no|on|off|y|n)$/i,
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*)$/i, // integers
  /^[-+]?(?:[0-9][0-9_]*)?\.?[0-9_]*(?:e[-+]?[0-9]+)?$/i, // decimals
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/, // base 60
  /^[-+]?\.(?:inf|nan)$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}/, // dates
  /^[=<]+$/, // the value key, the merge key
  /^(?:\.{3}|-{3})/, // ends of documents
];

function isPlain(value: string): boolean {
  // Another writer would normalise or a person not see the difference: such texts stand in quotes as well.
  return plain.test(value) && !value.endsWith(' ') && !guessed.some((pattern) => pattern.test(value));
}

// Control characters, spaces that are not ' ', what changes the direction of text, lone surrogates, non-characters.
const hidden =
  // oxlint-disable-next-line no-control-regex
  /[\0-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufdd0-\ufdef\ufeff\ufff0-\uffff]|\p{Surrogate}/gu;

function quote(value: string): string {
  const escaped = value.replace(/["\\]/g, '\\$&').replace(hidden, escapeCharacter);
  return `"${escaped}"`;
}

/** Escapes that JSON knows as well. */
function escapeCharacter(character: string): string {
  const short = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }[character];
  return short ?? `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
