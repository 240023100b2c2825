import { closingQuote, decodeEscapes } from './escapes.ts';

/** A call as strace prints it, taken apart. */
export interface Call {
  readonly name: string;
  /** Each argument as it is printed. */
  readonly args: readonly string[];
  /** What follows ` = `. */
  readonly result: string;
}

/** Takes `name(a, "b", {c, d}, 3</e>) = 0` apart; undefined where the line is none. */
export function parseCall(text: string): Call | undefined {
  const open = text.indexOf('(');
  if (open < 0) return undefined;
  const args: string[] = [];
  let start = open + 1;
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      at = closingQuote(text, at);
      if (at < 0) return undefined;
    } else if (code === 60) {
      // `1<<3` is arithmetic; a path has no < or > of its own.
      if (text.charCodeAt(at + 1) === 60) at += 1;
      else at = text.indexOf('>', at);
      if (at < 0) return undefined;
    } else if (code === 40 || code === 91 || code === 123) depth += 1;
    else if (depth > 0 && (code === 41 || code === 93 || code === 125)) depth -= 1;
    else if (depth === 0 && code === 44) {
      args.push(text.slice(start, at));
      start = at + 2;
    } else if (code === 41) {
      if (at > start || args.length > 0) args.push(text.slice(start, at));
      const equals = text.indexOf('= ', at);
      return equals < 0 ? undefined : { name: text.slice(0, open), args, result: text.slice(equals + 2) };
    }
  }
  return undefined;
}

/** The text of a string argument; undefined where it is none (NULL, an address). */
export function stringArgument(argument: string | undefined): string | undefined {
  if (argument === undefined || !argument.startsWith('"')) return undefined;
  return decodeEscapes(argument.slice(1, closingQuote(argument, 0)));
}

/** The strings of `["a", "b"]`. */
export function listArgument(argument: string | undefined): readonly string[] {
  const found: string[] = [];
  if (argument === undefined || !argument.startsWith('[')) return found;
  for (let quote = argument.indexOf('"'); quote >= 0;) {
    const end = closingQuote(argument, quote);
    if (end < 0) break;
    found.push(decodeEscapes(argument.slice(quote + 1, end)));
    quote = argument.indexOf('"', end + 1);
  }
  return found;
}

/** The path of a descriptor (`3</etc>`, `AT_FDCWD</home>`); undefined where it has none. */
export function descriptorPath(argument: string | undefined): string | undefined {
  const start = argument?.indexOf('<') ?? -1;
  if (argument === undefined || start < 0 || argument.charCodeAt(start + 1) !== 47) return undefined;
  return decodeEscapes(argument.slice(start + 1, argument.indexOf('>', start)));
}
