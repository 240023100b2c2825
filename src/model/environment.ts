/**
 * One change of a program's environment, as a person would make it in a shell. `prepend` puts a value before what a
 * list of paths (`PATH`, `LD_LIBRARY_PATH`) holds already, with a colon between them.
 */
export type EnvironmentChange =
  | { readonly do: 'set'; readonly name: string; readonly value: string }
  | { readonly do: 'prepend'; readonly name: string; readonly value: string }
  | { readonly do: 'unset'; readonly name: string };

/**
 * An environment after these changes, in order. What is prepended comes first, and is there once: a value that the list
 * had already moves to its front.
 */
export function applyChanges(
  env: Readonly<Record<string, string>>,
  changes: readonly EnvironmentChange[],
): Record<string, string> {
  const result: Record<string, string> = { ...env };
  for (const change of changes) {
    if (change.do === 'unset') delete result[change.name];
    else if (change.do === 'set') result[change.name] = change.value;
    else result[change.name] = prepended(change.value, result[change.name]);
  }
  return result;
}

/** The same in fewer words: of a variable that is set or unset, only what comes of all changes to it, at its last place. */
export function netChanges(changes: readonly EnvironmentChange[]): readonly EnvironmentChange[] {
  const last = new Map(changes.map((change) => [change.name, change]));
  const end = applyChanges({}, changes);
  return changes.flatMap((change): EnvironmentChange[] => {
    const { name } = change;
    if (!changes.some((other) => other.name === name && other.do !== 'prepend')) return [change];
    if (last.get(name) !== change) return [];
    const value = end[name];
    return [value === undefined ? { do: 'unset', name } : { do: 'set', name, value }];
  });
}

function prepended(value: string, list: string | undefined): string {
  if (list === undefined || list === '') return value;
  return [value, ...list.split(':').filter((part) => part !== value)].join(':');
}
