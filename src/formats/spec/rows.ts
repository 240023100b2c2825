import type { ListNode, MapNode, Node, Pair, ScalarNode } from './tree.ts';

/**
 * A fast path for the long lists that we write ourselves, one entry a line: `- {name: x, version: "1.0"}` and
 * `- plain text`. It knows a strict subset of YAML in which one reading is possible; a line that is not in it is left
 * to the YAML parser. A run of such lines is taken out of the text and one plain scalar put in its place; the parser
 * then says whether that place was indeed an item of a list (it might have been the inside of a longer text).
 */
export interface Rows {
  /** The text that is left to the YAML parser. */
  readonly rest: string;
  /** What stands in `rest` for each run, and its items. */
  readonly runs: ReadonlyMap<string, readonly Node[]>;
  /** From an offset in `rest` to the one in the text. */
  original(offset: number): number;
}

/** Fewer lines than this are left to the parser: nothing to gain. */
const shortestRun = 8;

export function extractRows(text: string): Rows {
  const token = unusedToken(text);
  const runs = new Map<string, readonly Node[]>();
  const cuts: { rest: number; shift: number }[] = [];
  const parts: string[] = [];
  let copied = 0;
  let restLength = 0;

  for (const run of findRuns(text)) {
    const name = `${token}${runs.size}`;
    runs.set(name, run.items);
    const before = text.slice(copied, run.start);
    parts.push(before, name);
    restLength += before.length + name.length;
    copied = run.end;
    cuts.push({ rest: restLength, shift: copied - restLength });
  }
  parts.push(text.slice(copied));
  return {
    rest: runs.size === 0 ? text : parts.join(''),
    runs,
    original: (offset) => offset + (cuts.findLast((cut) => cut.rest <= offset)?.shift ?? 0),
  };
}

interface Run {
  /** Of the first item's text, past its dash; and past the last item's. */
  readonly start: number;
  readonly end: number;
  readonly items: readonly Node[];
}

function* findRuns(text: string): Generator<Run> {
  let items: Node[] = [];
  let indent = -1;
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    const dash = dashColumn(text, at, end);
    const item = dash === -1 ? undefined : parseRow(text, at + dash + 2, end);
    if (item === undefined || dash !== indent) {
      if (items.length >= shortestRun) yield runOf(items);
      items = [];
      indent = dash;
    }
    if (item !== undefined) items.push(item);
    at = end + 1;
  }
  if (items.length >= shortestRun) yield runOf(items);
}

function runOf(items: readonly Node[]): Run {
  return { start: items[0]?.start ?? 0, end: items.at(-1)?.end ?? 0, items };
}

function dashColumn(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text.charCodeAt(at) === 0x20) at += 1;
  return at + 2 < end && text.charCodeAt(at) === 0x2d && text.charCodeAt(at + 1) === 0x20 ? at - start : -1;
}

function parseRow(text: string, start: number, end: number): Node | undefined {
  const node = parseItem(text, start, 0);
  return node?.end === end ? node : undefined;
}

const letters = String.raw`A-Za-z0-9_/.+~\u00c0-\u1fff\u2c00-\ud7ff`;
const plainText = new RegExp(`[${letters}](?:[${letters}=<>()^@%$-]|:(?=[${letters}])| (?=[${letters}=<>()-]))*`, 'y');
const plainKey = /[A-Za-z0-9_/.+~][A-Za-z0-9_/.+~@%-]{0,200}(?=: )/y;
const quotedText = /"(?:[^"\\\p{Cc}\u2028\u2029\ufeff\ud800-\udfff]|\\["\\nt]|\\u[0-9A-Fa-f]{4})*"/uy;
const deepest = 8;

function parseItem(text: string, start: number, depth: number): Node | undefined {
  const first = text.charCodeAt(start);
  if (depth > deepest) return undefined;
  if (first === 0x7b) return parseMap(text, start, depth);
  if (first === 0x5b) return parseList(text, start, depth);
  return first === 0x22 ? scalar(text, start, quotedText) : scalar(text, start, plainText);
}

function parseMap(text: string, start: number, depth: number): MapNode | undefined {
  const pairs: Pair[] = [];
  const keys = new Set<string>();
  for (let at = start + 1; ; at += 2) {
    const key = text.charCodeAt(at) === 0x22 ? scalar(text, at, quotedText) : scalar(text, at, plainKey);
    if (key === undefined || keys.has(key.value) || !text.startsWith(': ', key.end)) return undefined;
    keys.add(key.value);
    const value = parseItem(text, key.end + 2, depth + 1);
    if (value === undefined) return undefined;
    pairs.push({ key, value });
    at = value.end;
    if (text.charCodeAt(at) === 0x7d) return { kind: 'map', flow: true, start, end: at + 1, pairs };
    if (!text.startsWith(', ', at)) return undefined;
  }
}

function parseList(text: string, start: number, depth: number): ListNode | undefined {
  const items: Node[] = [];
  for (let at = start + 1; ; at += 2) {
    const item = parseItem(text, at, depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
    at = item.end;
    if (text.charCodeAt(at) === 0x5d) return { kind: 'list', flow: true, start, end: at + 1, items };
    if (!text.startsWith(', ', at)) return undefined;
  }
}

function scalar(text: string, start: number, pattern: RegExp): ScalarNode | undefined {
  pattern.lastIndex = start;
  if (!pattern.test(text)) return undefined;
  const end = pattern.lastIndex;
  if (pattern !== quotedText) return { kind: 'scalar', style: 'plain', start, end, value: text.slice(start, end) };
  const raw = text.slice(start, end);
  const value = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  return { kind: 'scalar', style: 'quoted', start, end, value };
}

function unusedToken(text: string): string {
  let token = 'rows';
  while (text.includes(token)) token = `${token}x`;
  return `${token}-`;
}
