/**
 * One change of a program's environment, as a person would make it in a shell. `prepend` puts a value before what a
 * list of paths (`PATH`, `LD_LIBRARY_PATH`) holds already, with a colon between them.
 */
export type EnvironmentChange =
  | { readonly do: 'set'; readonly name: string; readonly value: string }
  | { readonly do: 'prepend'; readonly name: string; readonly value: string }
  | { readonly do: 'unset'; readonly name: string };
