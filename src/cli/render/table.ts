import width from 'fast-string-width';

/** How a column is set; `left` unless said. */
export type Align = 'left' | 'right';

/** Rows as lines: columns as wide as their widest cell, two blanks between them, none at the end. */
export function tableLines(
  rows: readonly (readonly string[])[],
  aligns: readonly Align[] = [],
  gap = 2,
): readonly string[] {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell));
  }
  return cells.map((row) =>
    row
      .map((cell, index) => {
        const fill = ' '.repeat((widths[index] ?? 0) - width(cell));
        return aligns[index] === 'right' ? fill + cell : cell + fill;
      })
      .join(' '.repeat(gap))
      .trimEnd(),
  );
}

/**
 * A name from a stranger, fit for a terminal: control characters and bytes that are not UTF-8 become `\xNN`, so that a
 * file name can neither move the cursor nor write a line of its own.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The first of a list, and one line that says how many more there are. */
export function shortened<T>(
  list: readonly T[],
  all: boolean,
  most = 10,
): { readonly shown: readonly T[]; readonly more: number } {
  // a line that says "1 more" would take as much room as that one
  if (all || list.length <= most + 1) return { shown: list, more: 0 };
  return { shown: list.slice(0, most), more: list.length - most };
}
