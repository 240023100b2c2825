/** Epoch, version and release, as rpm orders them. */
export interface Evr {
  readonly epoch: number;
  readonly version: string;
  /** Absent where a dependency says none. */
  readonly release?: string;
}

/** Reads `EPOCH:VERSION-RELEASE`, of which the version alone must be there. */
export function parseEvr(text: string): Evr {
  const [, epoch, rest = ''] = /^(?:([0-9]{1,10}):)?(.*)$/s.exec(text) ?? [];
  const dash = rest.lastIndexOf('-');
  const version = dash === -1 ? rest : rest.slice(0, dash);
  return { epoch: Number(epoch ?? 0), version, ...(dash === -1 ? {} : { release: rest.slice(dash + 1) }) };
}

/** `EPOCH:VERSION-RELEASE`; an epoch of 0 is not written. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch === 0 ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`;
}

/** Which of two is newer: negative, 0 or positive. A release that one of them does not say does not count. */
export function compareEvr(a: Evr, b: Evr): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  const order = compareVersions(a.version, b.version);
  if (order !== 0 || a.release === undefined || b.release === undefined) return order;
  return compareVersions(a.release, b.release);
}

/** rpmvercmp (rpm's docs/man/rpm-version.7): segments of digits and letters; `~` sorts before the end, `^` after it. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while (i < a.length && isSeparator(a[i] ?? '')) i++;
    while (j < b.length && isSeparator(b[j] ?? '')) j++;
    const [left, right] = [a[i], b[j]];
    if (left === '~' || right === '~') {
      if (left !== '~') return 1;
      if (right !== '~') return -1;
      [i, j] = [i + 1, j + 1];
      continue;
    }
    if (left === '^' || right === '^') {
      if (left === undefined) return -1;
      if (right === undefined) return 1;
      if (left !== '^') return 1;
      if (right !== '^') return -1;
      [i, j] = [i + 1, j + 1];
      continue;
    }
    if (left === undefined || right === undefined) break;
    const kind = isDigit(left) ? isDigit : isLetter;
    const [one, other] = [segment(a, i, kind), segment(b, j, kind)];
    if (one === '') return -1;
    // numbers are newer than letters
    if (other === '') return kind === isDigit ? 1 : -1;
    const order = kind === isDigit ? compareNumbers(one, other) : one < other ? -1 : one > other ? 1 : 0;
    if (order !== 0) return order;
    [i, j] = [i + one.length, j + other.length];
  }
  if (i >= a.length && j >= b.length) return 0;
  return i < a.length ? 1 : -1;
}

/** Whether a version is what a relation asks for. */
export function satisfies(has: Evr, relation: string, wanted: Evr): boolean {
  const order = compareEvr(has, wanted);
  if (relation === '=') return order === 0;
  if (relation === '>=') return order >= 0;
  if (relation === '<=') return order <= 0;
  return relation === '>' ? order > 0 : order < 0;
}

function segment(text: string, from: number, is: (character: string) => boolean): string {
  let end = from;
  while (end < text.length && is(text[end] ?? '')) end++;
  return text.slice(from, end);
}

function compareNumbers(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function isLetter(character: string): boolean {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

function isSeparator(character: string): boolean {
  return !isDigit(character) && !isLetter(character) && character !== '~' && character !== '^';
}
