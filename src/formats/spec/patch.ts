import { flowText, itemLines, mapLines, memberLines } from './layout.ts';
import type { Plain } from './order.ts';
import { parseText } from './parse.ts';
import { isNothing, type Document, type ListNode, type MapNode, type Node, type Pair } from './tree.ts';

/**
 * A document's text with a new value: what is equal keeps its bytes; what is not is replaced where it stands, as little
 * as can be. What can't be edited in place (the inside of a flow map, say) is written anew.
 */
export function patchDocument(document: Document, value: { readonly [key: string]: Plain }): string {
  const { text, root } = document;
  const edits: Edit[] = [];
  const whole = `${mapLines(value, [], '').join('\n')}\n`;
  if (root.kind !== 'map' || root.flow || !patchMap(text, root, value, [], edits)) return whole;
  const patched = applyEdits(text, edits);
  // A comment is worth less than the value: what does not read back as it should is written anew.
  const again = parseText(patched, document.file);
  return again.root !== undefined && again.faults.length === 0 && isEqual(again.root, value) ? patched : whole;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Members = { readonly [key: string]: Plain };

/** Whether it could be done; if not, nothing was added to `edits`. */
function patchMap(text: string, map: MapNode, value: Members, path: readonly string[], edits: Edit[]): boolean {
  const made: Edit[] = [];
  const column = map.pairs[0] === undefined ? undefined : columnOf(text, map.pairs[0].key.start);
  if (column === undefined) return false;
  const indent = ' '.repeat(column);
  const [first] = map.pairs;
  if (first !== undefined && !Object.hasOwn(value, first.key.value) && path.length > 0) return false; // its line begins with the dash of an item
  for (const pair of map.pairs) {
    const now = value[pair.key.value];
    if (now === undefined) {
      if (isNothing(pair.value)) continue; // a key without a value is no value
      made.push(removal(text, pair.key.start, pair.value.end));
    } else if (!patchMember(text, pair, now, path, indent, made)) {
      return false;
    }
  }
  const known = new Set(map.pairs.filter(({ value: old }) => !isNothing(old)).map(({ key }) => key.value));
  const added = Object.keys(value).filter(
    (key) => !known.has(key) && !map.pairs.some(({ key: old }) => old.value === key),
  );
  const last = map.pairs.at(-1);
  if (added.length > 0 && last !== undefined) {
    const lines = added.flatMap((key) => memberLines(key, value[key] ?? '', path, indent));
    made.push(insertion(text, endOfLine(text, last.value.end), lines));
  }
  edits.push(...made);
  return true;
}

function patchMember(
  text: string,
  pair: Pair,
  now: Plain,
  path: readonly string[],
  indent: string,
  edits: Edit[],
): boolean {
  const { key, value: old } = pair;
  if (isEqual(old, now)) return true;
  const below = [...path, key.value];
  // The lock is ours: it is written anew, unless somebody has left a comment in it.
  const isOurs = below.length === 1 && key.value === 'lock' && !/(?:^|\s)#/m.test(text.slice(key.end, old.end));
  if (!isOurs) {
    if (old.kind === 'map' && !old.flow && isMembers(now) && patchMap(text, old, now, below, edits)) return true;
    if (
      old.kind === 'list' &&
      !old.flow &&
      Array.isArray(now) &&
      patchList(text, old, now as readonly Plain[], below, edits)
    ) {
      return true;
    }
    if (isShort(old) && isShortValue(now, old)) {
      const space = text[old.start - 1] === ':' ? ' ' : '';
      edits.push({ start: old.start, end: old.end, text: `${space}${flowText(now)}` });
      return true;
    }
  }
  const lines = memberLines(key.value, now, path, indent);
  const end = trimmedEnd(text, old.end);
  edits.push({ start: key.start, end: Math.max(end, key.end + 1), text: lines.join('\n').slice(indent.length) });
  return true;
}

function patchList(
  text: string,
  list: ListNode,
  value: readonly Plain[],
  path: readonly string[],
  edits: Edit[],
): boolean {
  const dash = list.items[0] === undefined ? undefined : dashColumn(text, list.items[0].start);
  if (dash === undefined || value.length === 0) return false;
  if (list.items.some((item) => dashColumn(text, item.start) !== dash)) return false;
  const indent = ' '.repeat(dash);
  const made: Edit[] = [];
  let at = lineStart(text, list.items[0]?.start ?? 0);
  for (const step of align(list.items, value)) {
    if (step.old === undefined) {
      made.push({ start: at, end: at, text: `${itemLines(step.now, path, indent).join('\n')}\n` });
      continue;
    }
    const end = endOfLine(text, step.old.end);
    const isLast = end === text.length && text[end - 1] !== '\n';
    if (step.now === undefined) made.push(removal(text, step.old.start, step.old.end));
    else if (!isEqual(step.old, step.now) && !patchItem(text, step.old, step.now, path, made)) {
      const lines = itemLines(step.now, path, indent);
      const start = lineStart(text, step.old.start);
      made.push({ start, end: trimmedEnd(text, step.old.end), text: lines.join('\n') });
    }
    if (isLast && step !== undefined) at = text.length;
    else at = end;
  }
  edits.push(...made);
  return true;
}

function patchItem(text: string, old: Node, now: Plain, path: readonly string[], edits: Edit[]): boolean {
  if (old.kind === 'map' && !old.flow && isMembers(now)) return patchMap(text, old, now, path, edits);
  if (!isShort(old) || !isShortValue(now, old)) return false;
  edits.push({ start: old.start, end: old.end, text: flowText(now) });
  return true;
}

type Step = { readonly old: Node; readonly now?: Plain } | { readonly old?: undefined; readonly now: Plain };

/**
 * Old items to new ones, in order: equal ones by the longest common subsequence where that is cheap (else by common
 * ends), and maps of one `id` or `type` and `name` to each other; the others go and come.
 */
function align(items: readonly Node[], value: readonly Plain[]): readonly Step[] {
  let head = 0;
  while (head < items.length && head < value.length && isEqual(items[head] as Node, value[head] as Plain)) head += 1;
  let tail = 0;
  const most = Math.min(items.length, value.length) - head;
  while (tail < most && isEqual(items.at(-1 - tail) as Node, value.at(-1 - tail) as Plain)) tail += 1;
  const middle = alignMiddle(items.slice(head, items.length - tail), value.slice(head, value.length - tail));
  const same = (old: Node, index: number): Step => ({ old, now: value[index] as Plain });
  return [
    ...items.slice(0, head).map(same),
    ...middle,
    ...items.slice(items.length - tail).map((old, index) => same(old, value.length - tail + index)),
  ];
}

function alignMiddle(items: readonly Node[], value: readonly Plain[]): readonly Step[] {
  const steps: Step[] = [];
  let next = 0;
  for (const now of value) {
    const found = items.findIndex((old, index) => index >= next && isSameThing(old, now));
    if (found === -1) {
      steps.push({ now });
      continue;
    }
    while (next < found) steps.push({ old: items[next++] as Node });
    steps.push({ old: items[next++] as Node, now });
  }
  while (next < items.length) steps.push({ old: items[next++] as Node });
  return steps;
}

/** Whether a new item is an old one that was edited: what names it is equal. */
function isSameThing(old: Node, now: Plain): boolean {
  if (old.kind === 'map' && isMembers(now)) {
    const named = ['id', 'type', 'name', 'path'].filter((key) => Object.hasOwn(now, key));
    if (named.length === 0) return isEqual(old, now);
    return named.every((key) =>
      old.pairs.some((pair) => pair.key.value === key && isEqual(pair.value, now[key] as Plain)),
    );
  }
  if (old.kind === 'scalar' && typeof now === 'string') return stem(old.value) === stem(now);
  return isEqual(old, now);
}

/** A package without its version. */
function stem(wish: string): string {
  return wish.split(/[=<>~! ]/, 1)[0] ?? wish;
}

/** Whether a node says the same as a value: scalars by their text, keys in any order. */
function isEqual(node: Node, value: Plain): boolean {
  if (node.kind === 'scalar')
    return node.style !== 'nothing' && typeof value !== 'object' && node.value === String(value);
  if (node.kind === 'list') {
    return (
      Array.isArray(value) &&
      value.length === node.items.length &&
      node.items.every((item, index) => isEqual(item, value[index] as Plain))
    );
  }
  if (!isMembers(value)) return false;
  const pairs = node.pairs.filter((pair) => !isNothing(pair.value) || Object.hasOwn(value, pair.key.value));
  return (
    pairs.length === Object.keys(value).length &&
    pairs.every(({ key, value: member }) => {
      const now = Object.hasOwn(value, key.value) ? value[key.value] : undefined;
      if (now === undefined) return false;
      return isNothing(member) ? now === '' : isEqual(member, now);
    })
  );
}

function isMembers(value: Plain): value is Members {
  return typeof value === 'object' && !Array.isArray(value);
}

/** What stands on one line and may be exchanged there. */
function isShort(node: Node): boolean {
  if (node.kind === 'scalar') return node.style !== 'block';
  return node.flow;
}

function isShortValue(value: Plain, old: Node): boolean {
  if (typeof value !== 'object') return old.kind === 'scalar';
  return Array.isArray(value) ? old.kind === 'list' : old.kind === 'map';
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  parts.push(text.slice(at));
  const whole = parts.join('');
  return whole.endsWith('\n') ? whole : `${whole}\n`;
}

/** Whole lines go: from the one in which it begins to the one in which it ends. */
function removal(text: string, start: number, end: number): Edit {
  return { start: lineStart(text, start), end: endOfLine(text, end), text: '' };
}

function insertion(text: string, at: number, lines: readonly string[]): Edit {
  const before = at > 0 && text[at - 1] !== '\n' ? '\n' : '';
  return { start: at, end: at, text: `${before}${lines.join('\n')}\n` };
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Past the newline of the line in which what ends at `end` ends. */
function endOfLine(text: string, end: number): number {
  const newline = text.indexOf('\n', trimmedEnd(text, end));
  return newline === -1 ? text.length : newline + 1;
}

/** Block scalars end past their last newline. */
function trimmedEnd(text: string, end: number): number {
  let at = end;
  while (at > 0 && /\s/.test(text[at - 1] ?? '')) at -= 1;
  return at;
}

function columnOf(text: string, at: number): number | undefined {
  const before = text.slice(lineStart(text, at), at);
  return /^[ -]*$/.test(before) ? before.length : undefined;
}

function dashColumn(text: string, at: number): number | undefined {
  const before = text.slice(lineStart(text, at), at);
  return /^ *- +$/.test(before) ? before.indexOf('-') : undefined;
}
