import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
  type Document as YamlDocument,
  type ParsedNode,
} from 'yaml';

import { shown, type Fault } from './fault.ts';
import { extractRows, type Rows } from './rows.ts';
import { locator, type Node, type Pair, type ScalarNode } from './tree.ts';

/** A spec may be this long, in UTF-16 units. */
export const longestText = 64 * 1024 * 1024;
/** What is left to the YAML parser (the lists that we write are not) may be this long: it is slow. */
const longestRest = 4 * 1024 * 1024;
const deepest = 32;

export interface Parsed {
  /** Absent where the text could not be parsed: then there are faults. */
  readonly root?: Node;
  readonly faults: readonly Fault[];
}

/**
 * Text to nodes. The YAML that is taken is what people write by hand: one document of maps, lists and texts, in any
 * style, with comments. Anchors, aliases, merge keys, tags and directives are faults: they say nothing that a spec
 * needs, and much that a reader would not expect (https://yaml.org/spec/1.2.2/).
 */
export function parseText(text: string, file: string): Parsed {
  const locate = locator(text);
  const at = (offset: number, message: string, hint?: string): Fault => ({
    file,
    ...locate(offset),
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  if (text.length > longestText) {
    return { faults: [at(0, `too large: more than ${longestText / 1024 / 1024} MiB`)] };
  }
  const odd = oddCharacter.exec(text);
  if (odd !== null) return { faults: [at(odd.index, `character ${codePoint(odd[0])} must be written as an escape`)] };
  const directive = /^(?:[ \t]*(?:#.*)?\r?\n)*%/.exec(text);
  if (directive !== null) return { faults: [at(directive[0].length - 1, 'directives are not used in this file')] };

  const rows = extractRows(text);
  if (rows.runs.size > 0 && rows.rest.length <= longestRest) {
    const parsed = parseRest(rows, at);
    if (parsed !== undefined) return parsed;
  }
  if (text.length > longestRest) {
    return { faults: [at(0, 'too large for what it is: only long lists of one entry a line may fill so many lines')] };
  }
  return parseRest({ rest: text, runs: new Map(), original: (offset) => offset }, at) as Parsed;
}

// C0 but tab and line ends, DEL, C1 but NEL, lone surrogates, the two non-characters: what YAML readers refuse.
// oxlint-disable-next-line no-control-regex
const oddCharacter = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]|\p{Surrogate}/u;

type At = (offset: number, message: string, hint?: string) => Fault;

/** Undefined where a run of rows did not turn out to be items of a list, or anything else is wrong: then read it all. */
function parseRest(rows: Rows, at: At): Parsed | undefined {
  const whole = rows.runs.size === 0;
  const faults: Fault[] = [];
  const document = parseYaml(rows.rest);
  if (document === undefined) return whole ? { faults: [at(0, 'nested too deeply')] } : undefined;
  for (const error of document.errors) {
    if (!whole) return undefined;
    faults.push(at(error.pos[0], plainMessage(error.message, error.code)));
  }
  if (faults.length > 0) return { faults };
  const seen = { runs: 0 };
  const contents = document.contents;
  if (contents === null) return whole ? { faults: [at(0, 'the file is empty')] } : undefined;
  const root = convert(contents, { rows, faults, at, seen }, 0);
  if (!whole && (faults.length > 0 || seen.runs !== rows.runs.size)) return undefined;
  return { root, faults };
}

function parseYaml(rest: string): YamlDocument.Parsed | undefined {
  try {
    return parseDocument(rest, {
      version: '1.2',
      schema: 'failsafe', // every scalar is its text
      resolveKnownTags: false,
      merge: false,
      uniqueKeys: false, // checked here, in linear time
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // its composer is recursive
    throw error;
  }
}

interface Conversion {
  readonly rows: Rows;
  readonly faults: Fault[];
  readonly at: At;
  readonly seen: { runs: number };
}

function convert(node: ParsedNode | null, to: Conversion, depth: number): Node {
  const start = to.rows.original(node?.range[0] ?? 0);
  const end = to.rows.original(node?.range[1] ?? 0);
  if (node !== null && refuse(node, to, start, depth)) return nothing(start);
  if (isScalar(node)) return scalarNode(node, start, end, to);
  if (isSeq(node)) {
    const items: Node[] = [];
    for (const item of node.items as (ParsedNode | null)[]) {
      const run = isScalar(item) && item.type === Scalar.PLAIN ? to.rows.runs.get(item.value as string) : undefined;
      if (run !== undefined && node.flow !== true) {
        to.seen.runs += 1;
        for (const row of run) items.push(row);
      } else {
        items.push(convert(item, to, depth + 1));
      }
    }
    const flow = node.flow === true;
    return { kind: 'list', flow, start, end: flow ? end : (items.at(-1)?.end ?? end), items };
  }
  if (isMap(node)) {
    const pairs = convertPairs(node.items, to, depth);
    const flow = node.flow === true;
    return { kind: 'map', flow, start, end: flow ? end : (pairs.at(-1)?.value.end ?? end), pairs };
  }
  return nothing(start);
}

interface YamlPair {
  readonly key: ParsedNode | null;
  readonly value: ParsedNode | null;
}

function convertPairs(items: readonly YamlPair[], to: Conversion, depth: number): Pair[] {
  const first = new Map<string, number>();
  const pairs: Pair[] = [];
  for (const { key: yamlKey, value: yamlValue } of items) {
    const key = convert(yamlKey, to, depth + 1);
    const value = yamlValue === null ? nothing(key.end) : convert(yamlValue, to, depth + 1);
    if (key.kind !== 'scalar') {
      to.faults.push(to.at(key.start, 'a key must be a text'));
      continue;
    }
    const before = first.get(key.value);
    if (before !== undefined) {
      const line = to.at(before, '').line;
      to.faults.push(to.at(key.start, `key ${shown(key.value)} comes twice`, `first in line ${line}`));
    } else if (unusableKeys.has(key.value)) {
      to.faults.push(to.at(key.start, `${shown(key.value)} can't be a key`));
    } else {
      first.set(key.value, key.start);
      pairs.push({ key, value });
    }
  }
  return pairs;
}

/** Merge keys, and names that JavaScript objects have of their own. */
const unusableKeys: ReadonlySet<string> = new Set(['<<', '__proto__', 'constructor', 'prototype', '']);

function refuse(node: ParsedNode, to: Conversion, start: number, depth: number): boolean {
  if (isAlias(node)) {
    to.faults.push(to.at(start, 'aliases are not used in this file', 'write the value out'));
    return true;
  }
  if (node.anchor !== undefined) to.faults.push(to.at(start, 'anchors are not used in this file'));
  if (node.tag !== undefined) to.faults.push(to.at(start, 'tags are not used in this file'));
  if (isCollection(node) && depth > deepest) {
    to.faults.push(to.at(start, 'nested too deeply'));
    return true;
  }
  return false;
}

function scalarNode(node: Scalar.Parsed, start: number, end: number, to: Conversion): ScalarNode {
  const value = typeof node.value === 'string' ? node.value : '';
  if (value.includes('\0')) to.faults.push(to.at(start, 'must not contain NUL'));
  if (node.type === Scalar.PLAIN)
    return { kind: 'scalar', style: value === '' ? 'nothing' : 'plain', start, end, value };
  const block = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
  return { kind: 'scalar', style: block ? 'block' : 'quoted', start, end, value };
}

function nothing(at: number): ScalarNode {
  return { kind: 'scalar', style: 'nothing', start: at, end: at, value: '' };
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The parser's own messages, in our manner. */
function plainMessage(message: string, code: string): string {
  if (code === 'MULTIPLE_DOCS') return 'one file holds one document: --- may come once';
  const line = message.split('\n', 1)[0] ?? message;
  const lowered = line.charAt(0).toLowerCase() + line.slice(1);
  return lowered.length > 160 ? `${lowered.slice(0, 157)}…` : lowered;
}
