/**
 * Compares two Debian versions as deb-version(7) orders them: epoch, upstream version, revision; in each, runs of
 * non-digits (`~` before the end, letters before the rest) and of digits in turn. Negative, zero or positive.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = split(a);
  const right = split(b);
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

/** Whether `version` stands in `relation` to `to`. `<` and `>` are the old spellings of `<=` and `>=`. */
export function satisfies(version: string, relation: string, to: string): boolean {
  const order = compareVersions(version, to);
  switch (relation) {
    case '=':
      return order === 0;
    case '>=':
    case '>':
      return order >= 0;
    case '<=':
    case '<':
      return order <= 0;
    case '>>':
      return order > 0;
    case '<<':
      return order < 0;
    default:
      return false;
  }
}

function split(version: string): { epoch: string; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon === -1 ? '' : version.slice(0, colon),
    upstream: dash === -1 ? rest : rest.slice(0, dash),
    revision: dash === -1 ? '' : rest.slice(dash + 1),
  };
}

function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weight(a, i) - weight(b, j);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const fromA = i;
    const fromB = j;
    while (i < a.length && isDigit(a, i)) i++;
    while (j < b.length && isDigit(b, j)) j++;
    const difference = compareDigits(a.slice(fromA, i), b.slice(fromB, j));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers of any length, without making numbers of them. */
function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** The order of a character outside of a number; the end, and a digit, are zero. */
function weight(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const code = text.charCodeAt(at);
  if (code === 126) return -1;
  const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return letter ? code : code + 256;
}
