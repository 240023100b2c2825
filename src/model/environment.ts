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

function prepended(value: string, list: string | undefined): string {
  if (list === undefined || list === '') return value;
  return [value, ...list.split(':').filter((part) => part !== value)].join(':');
}
