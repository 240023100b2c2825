import { UserError } from '../../model/index.ts';

/**
 * The one way in which scripts are written: every value becomes one word of sh(1), every list so many words, whatever
 * is in them. What stands in the template itself is taken as it is.
 */
export function sh(template: TemplateStringsArray, ...values: readonly (string | readonly string[])[]): string {
  return String.raw(
    template,
    ...values.map((value) => (typeof value === 'string' ? word(value) : value.map(word).join(' '))),
  );
}

/** A value for a comment: one line, nothing that a terminal acts on. */
export function comment(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]+/gu, ' ');
  return line.length > 200 ? `${line.slice(0, 197)}…` : line;
}

/** Single quotes keep everything but themselves (POSIX.1-2024, Shell Command Language 2.2.2). */
function word(value: string): string {
  if (value.includes('\0')) throw new UserError('a word of a command contains NUL');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(value) && !/^[A-Za-z_][A-Za-z0-9_]*=/.test(value)) return value;
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
