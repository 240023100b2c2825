/** A spec's text as nodes that know where they stand: what faults are positioned by, and edits are spliced into. */
export type Node = ScalarNode | MapNode | ListNode;

interface NodeBase {
  /** Offsets into the text: of the first character, and past the last. */
  readonly start: number;
  readonly end: number;
}

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  /** The text, unescaped. */
  readonly value: string;
  readonly style: 'plain' | 'quoted' | 'block' | 'nothing';
}

export interface Pair {
  readonly key: ScalarNode;
  readonly value: Node;
}

export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly flow: boolean;
  readonly pairs: readonly Pair[];
}

export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly flow: boolean;
  readonly items: readonly Node[];
}

/** A file that was read: its text and nodes. Positions of values are asked of it by path. */
export interface Document {
  readonly file: string;
  readonly text: string;
  readonly root: Node;
  readonly locate: Locate;
}

export type ValuePath = readonly (string | number)[];

/** The node at a path, or the nearest one above it that is there. */
export function nodeAt(root: Node, path: ValuePath): Node {
  let node = root;
  for (const part of path) {
    const next = child(node, part);
    if (next === undefined) return node;
    node = next;
  }
  return node;
}

/** The key's node at a path where the path ends in a key, else the value's. */
export function keyAt(root: Node, path: ValuePath): Node {
  const last = path.at(-1);
  const parent = nodeAt(root, path.slice(0, -1));
  if (parent.kind === 'map') {
    const pair = parent.pairs.find((candidate) => candidate.key.value === last);
    if (pair !== undefined) return pair.key;
  }
  return nodeAt(root, path);
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** Line and column of an offset, from 1. Columns count UTF-16 units, as editors do. */
export type Locate = (offset: number) => Position;

/** Lines are counted once, when the first position is asked for. */
export function locator(text: string): Locate {
  let starts: number[] | undefined;
  return (offset) => {
    starts ??= lineStarts(text);
    let low = 0;
    for (let high = starts.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/**
 * A node as a plain value: scalars are their text, a key without a value is not there. Below `environment` it is the
 * empty text instead, as a variable may well be empty.
 */
export function toValue(node: Node, parents: number = 0, inEnvironment: boolean = false): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map((item) => toValue(item, parents + 1));
  const value: Record<string, unknown> = {};
  for (const pair of node.pairs) {
    if (isNothing(pair.value) && !inEnvironment) continue;
    value[pair.key.value] = toValue(pair.value, parents + 1, parents === 0 && pair.key.value === 'environment');
  }
  return value;
}

export function isNothing(node: Node): boolean {
  return node.kind === 'scalar' && node.style === 'nothing';
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function child(node: Node, part: string | number): Node | undefined {
  if (node.kind === 'list') return typeof part === 'number' ? node.items[part] : undefined;
  if (node.kind === 'map') return node.pairs.find((pair) => pair.key.value === part)?.value;
  return undefined;
}
