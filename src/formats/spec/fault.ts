import { UserError } from '../../model/index.ts';

/** Something wrong (or odd, as a warning) in a file, and where. Lines and columns count from 1. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
}

/** As a person reads it: `env.yaml:14:7: …`. */
export function faultLine(fault: Fault): string {
  const hint = fault.hint === undefined ? '' : ` (${fault.hint})`;
  return printable(`${place(fault)}: ${fault.message}${hint}`);
}

/** Throws all faults as one UserError of status 2: the first is its message, the others its details. */
export function throwFaults(faults: readonly Fault[]): never {
  const sorted = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const [first, ...rest] = sorted;
  if (first === undefined) throw new Error('no faults to throw');
  const details = rest.slice(0, mostShown).map(faultLine);
  if (rest.length > mostShown) details.push(`… and ${rest.length - mostShown} more faults`);
  throw new UserError(printable(`${place(first)}: ${first.message}`), {
    status: 2,
    details,
    ...(first.hint === undefined ? {} : { hint: printable(first.hint) }),
  });
}

/** A word from a file as a message shows it: quoted, on one line, not longer than a line takes. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  const short = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return printable(JSON.stringify(short));
}

const mostShown = 99;

/** What a terminal would act on, as escapes: control characters, and what changes the direction of text. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function place(fault: Fault): string {
  return `${fault.file}:${fault.line}:${fault.column}`;
}
