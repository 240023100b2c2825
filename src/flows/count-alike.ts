/** Several of one kind in one phrase: `3 git work trees`, `2 venvs (5 packages, Python 3.11.7; 2 packages)`. */
export function countAlike(lines: readonly string[]): string[] {
  const kinds = Map.groupBy(lines, (line) => /^1 ([^(]+?)(?: \(|$)/.exec(line)?.[1] ?? line);
  return [...kinds].map(([kind, same]) => {
    if (same.length === 1) return same[0] ?? kind;
    const details = same.flatMap((line) => /\((.*)\)$/.exec(line)?.[1]?.replaceAll('; ', ', ') ?? []);
    return `${same.length} ${pluralOf(kind)}${details.length === 0 ? '' : ` (${[...new Set(details)].join('; ')})`}`;
  });
}

/** `venvs`, `prefixes`, `copies`, `conda environments`, `node_modules trees`. */
function pluralOf(kind: string): string {
  if (/(?:s|x|ch|sh)$/.test(kind)) return `${kind}es`;
  return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}
