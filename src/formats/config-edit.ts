import { isDeepStrictEqual } from 'node:util';

import { parse, stringify, TomlError } from 'smol-toml';

import { UserError } from '../model/index.ts';

type Table = Readonly<Record<string, unknown>>;

/**
 * The text of a TOML file with the table `[GROUP.NAME]` as it is to be, or without it; every other line stays, comments
 * included. `file` is for messages. Throws UserError where the file writes that table in another way.
 */
export function withTable(
  text: string,
  where: { readonly file: string; readonly group: string; readonly name: string },
  table: Table | undefined,
): string {
  const { file, group, name } = where;
  const before = parsed(text, file);
  const kept = withoutLines(text, group, name);
  const added = table === undefined ? '' : stringify({ [group]: { [name]: table } });
  const gap = kept === '' || added === '' ? '' : kept.endsWith('\n\n') ? '' : kept.endsWith('\n') ? '\n' : '\n\n';
  const edited = `${kept}${gap}${added}`;
  const after = parsedOrNothing(edited);
  // whatever was written otherwise (inline, in several places) is not ours to take apart
  const is = membersOf(after?.[group])[name];
  const others = isSame(without(after, group, name), without(before, group, name));
  if (!others || !isSame(is, table)) {
    throw new UserError(`[${group}.${name}] in ${file} is not written as a table of its own: it is left as it is`, {
      hint: 'edit it by hand',
    });
  }
  return edited;
}

/** Without the lines of a table and its tables: from their headers to the next one's. */
function withoutLines(text: string, group: string, name: string): string {
  const key = (word: string) => `(?:${RegExp.escape(word)}|"${RegExp.escape(word)}"|'${RegExp.escape(word)}')`;
  const own = new RegExp(String.raw`^\s*\[\s*${key(group)}\s*\.\s*${key(name)}\s*(?:\..*)?\]`);
  let isOwn = false;
  const kept = text.split('\n').filter((line) => {
    if (/^\s*\[/.test(line)) isOwn = own.test(line);
    return !isOwn;
  });
  return kept.join('\n');
}

function without(all: Table | undefined, group: string, name: string): Table {
  const { [group]: tables, ...rest } = all ?? {};
  const { [name]: _, ...others } = membersOf(tables);
  return Object.keys(others).length === 0 ? rest : { ...rest, [group]: others };
}

function parsed(text: string, file: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new UserError(`${file}:${error.line}:${error.column}: this is no TOML`, { status: 2 });
  }
}

function parsedOrNothing(text: string): Table | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** By what they say: the parser's tables and dates are objects of its own. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}

function membersOf(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};
}
