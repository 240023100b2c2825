import type { Plain } from './order.ts';
import { scalarText } from './scalar.ts';

/** A value on one line: flow lists and maps, or one scalar. */
export function flowText(value: Plain): string {
  if (Array.isArray(value)) return `[${(value as readonly Plain[]).map(flowText).join(', ')}]`;
  if (typeof value !== 'object') return scalarText(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${scalarText(key)}: ${flowText(member)}`)
    .join(', ')}}`;
}

/** The lines of a map's members, each from `indent` on; `path` is the map's. */
export function mapLines(map: { readonly [key: string]: Plain }, path: readonly string[], indent: string): string[] {
  return Object.entries(map).flatMap(([key, value]) => memberLines(key, value, path, indent));
}

/** The lines of one member of a map. */
export function memberLines(key: string, value: Plain, parent: readonly string[], indent: string): string[] {
  const path = [...parent, key];
  const head = `${indent}${scalarText(key)}:`;
  if (isFlow(value, path, head.length)) return [`${head} ${flowText(value)}`];
  if (Array.isArray(value))
    return [head, ...(value as readonly Plain[]).flatMap((item) => itemLines(item, path, indent))];
  return [head, ...mapLines(value as { readonly [key: string]: Plain }, path, `${indent}  `)];
}

/** The lines of one item of a block list; `path` is the list's. */
export function itemLines(item: Plain, path: readonly string[], indent: string): string[] {
  if (typeof item !== 'object' || isRow(path) || isEmpty(item) || Array.isArray(item) || isSmall(item, path))
    return [`${indent}- ${flowText(item)}`];
  const [first = '', ...rest] = mapLines(item as { readonly [key: string]: Plain }, path, `${indent}  `);
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}

/** Lists above the lock that people edit: always one entry a line. */
const oneALine: ReadonlySet<string> = new Set(['packages', 'files']);
const widestFlow = 160;
const widestRow = 260;

/** Items of lists in the lock are rows: one line each, whatever they hold. */
function isRow(path: readonly string[]): boolean {
  return path[0] === 'lock';
}

/** A few facts about one thing (a pin) are one line above the lock, too; distributions and sources never are. */
function isSmall(item: Plain, path: readonly string[]): boolean {
  const members = Object.values(item as { readonly [key: string]: Plain });
  return path.length > 1 && members.length <= 3 && members.every((one) => typeof one !== 'object');
}

function isFlow(value: Plain, path: readonly string[], head: number): boolean {
  if (typeof value !== 'object' || isEmpty(value)) return true;
  const isList = Array.isArray(value);
  const members = (isList ? value : Object.values(value)) as readonly Plain[];
  const isFlat = members.every((member) => typeof member !== 'object');
  const fits = (width: number): boolean => head + flowText(value).length < width;
  if (isList) return isFlat && !oneALine.has(path.at(-1) ?? '') && fits(widestFlow);
  if (path[0] !== 'lock' || path.length < 2) return false;
  if (path.length === 2) return path[1] === 'host' && fits(widestRow);
  // An entry of the lock that is nothing but facts is one row.
  return members.every((member) => typeof member !== 'object' || isScalars(member)) && fits(widestRow);
}

function isScalars(value: Plain): boolean {
  return Array.isArray(value) && (value as readonly Plain[]).every((member) => typeof member !== 'object');
}

function isEmpty(value: Plain): boolean {
  return typeof value === 'object' && Object.keys(value).length === 0;
}
