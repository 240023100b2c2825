import { safeParse, type BaseIssue, type GenericSchema } from 'valibot';

import { near } from '../near.ts';
import { shown } from './fault.ts';
import type { ValuePath } from './tree.ts';

/** What a schema has against a value; `path` from the value on. */
interface Issue {
  readonly path: ValuePath;
  /** Whether it is about a key that is not there: then `path` is the map's. */
  readonly missing: boolean;
  readonly message: string;
  readonly hint?: string;
}

export type Validated = { readonly output: unknown } | { readonly issues: readonly Issue[] };

/** Checks a value; `what` names it in messages. Keys that are not known are kept. */
export function validate(schema: GenericSchema, value: unknown, what: string): Validated {
  const result = safeParse(schema, value);
  if (result.success) return { output: result.output };
  return { issues: result.issues.slice(0, mostIssues).map((issue) => toIssue(issue, what)) };
}

const mostIssues = 1000;

function toIssue(issue: BaseIssue<unknown>, what: string): Issue {
  const path = (issue.path ?? []).map((part) => part.key as string | number);
  const last = path.at(-1);
  const name = typeof last === 'number' ? itemName(path) : typeof last === 'string' ? last : what;
  if (issue.received === 'undefined' && typeof last === 'string' && isMissing(issue)) {
    return { path: path.slice(0, -1), missing: true, message: `${what} has no ${shown(last)}` };
  }
  // A plug-in's own sentence may say what to do in a second line.
  const [said = '', hint] = issue.message.split('\n', 2);
  if (hint !== undefined) return { path, missing: false, message: said, hint };
  const known = picks(issue);
  if (known !== undefined) {
    const meant = typeof issue.input === 'string' ? near(issue.input, known) : undefined;
    const guess = meant === undefined ? '' : `did you mean ${meant}? `;
    const of = name === what ? '' : ` of ${what}`;
    return {
      path,
      missing: false,
      message: `unknown ${name} ${given(issue.input)}${of}`,
      hint: `${guess}known: ${known.join(', ')}`,
    };
  }
  const expected = said.startsWith('Invalid ') ? `expected ${kinds[issue.type] ?? 'something else'}` : said;
  const shownName = name === what ? what : `${name} of ${what}`;
  return { path, missing: false, message: `${shownName}: ${expected}, not ${given(issue.input)}` };
}

const kinds: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map of keys and values',
  loose_object: 'a map of keys and values',
  strict_object: 'a map of keys and values',
  record: 'a map of keys and values',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
};

function isMissing(issue: BaseIssue<unknown>): boolean {
  const at = issue.path?.at(-1);
  const map = at?.input;
  return typeof map === 'object' && map !== null && !Object.hasOwn(map, at?.key as string);
}

/** What may be chosen from, where that is what a schema says. */
function picks(issue: BaseIssue<unknown>): readonly string[] | undefined {
  if (issue.type !== 'picklist') return undefined;
  return issue.expected?.match(/"(?:[^"\\]|\\.)*"/g)?.map((word) => JSON.parse(word) as string);
}

function given(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return value === undefined ? 'nothing' : shown(value);
}

function itemName(path: ValuePath): string {
  const list = path.findLast((part) => typeof part === 'string');
  return list === undefined ? 'item' : `item of ${list}`;
}
