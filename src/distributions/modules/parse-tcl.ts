import { posix } from 'node:path';

import { ModuleNotebook, type Modulefile, type ModuleFacts } from './notebook.ts';
import { tclCommands, tclPieces, type TclWord } from './tcl-words.ts';

/** How deep blocks and substitutions are followed. */
const deepest = 20;

interface Scene {
  readonly facts: ModuleFacts;
  readonly variables: Map<string, string | undefined>;
  readonly notebook: ModuleNotebook;
}

/**
 * A Tcl modulefile (modulefile(4) of Environment Modules), read and not run: assignments, paths, and what it says of
 * other modules. Of a condition the first block is taken, but for one about unloading; loops and procedures are not
 * followed; a value that would have to be computed is unknown.
 */
export function parseTclModulefile(text: string, facts: ModuleFacts): Modulefile {
  const scene: Scene = { facts, variables: new Map(), notebook: new ModuleNotebook() };
  readBlock(text, scene, 0);
  return scene.notebook.result();
}

function readBlock(text: string, scene: Scene, depth: number): void {
  if (depth > deepest) return;
  for (const words of tclCommands(text)) readCommand(words, scene, depth);
}

function readCommand(words: readonly TclWord[], scene: Scene, depth: number): void {
  const { notebook, variables } = scene;
  const [first, ...rest] = words;
  const name = first?.text.replace(/^::/, '') ?? '';
  const values = () => rest.map((word) => valueOf(word, scene, depth));
  switch (name) {
    case 'set': {
      const [variable, value] = values();
      if (variable === undefined || rest.length < 2) return;
      variables.set(variable.replace(/^::/, ''), value);
      notebook.variable(value);
      return;
    }
    case 'setenv':
    case 'pushenv': {
      const [variable, value] = values().filter((one) => one === undefined || !one.startsWith('--'));
      if (rest.length > 1) notebook.change('set', variable, value);
      return;
    }
    case 'unsetenv':
      notebook.change('unset', values()[0]);
      return;
    case 'prepend-path':
    case 'append-path':
      readPath(name === 'prepend-path' ? 'prepend' : 'append', values(), notebook);
      return;
    case 'conflict':
    case 'family':
      notebook.list('conflicts', plain(values()));
      return;
    case 'prereq':
    case 'prereq-any':
    case 'prereq-all':
    case 'depends-on':
    case 'depends-on-any':
      notebook.list('needs', plain(values()));
      return;
    case 'module': {
      const [verb, ...of] = plain(values());
      if (verb === 'load' || verb === 'add' || verb === 'try-load' || verb === 'switch') notebook.list('loads', of);
      if (verb === 'use') for (const path of of.toReversed()) notebook.change('prepend', 'MODULEPATH', path);
      return;
    }
    case 'module-whatis':
      notebook.list('about', values());
      return;
    case 'if': {
      const [condition, second, third] = rest;
      const body = second?.text === 'then' ? third : second;
      if (condition === undefined || /\b(?:remove|unload|unsetenv)\b/.test(condition.text)) return;
      if (body?.braced === true) readBlock(body.text, scene, depth + 1);
      return;
    }
    default:
  }
}

/** `prepend-path [-d C|--delim C|--duplicates|…] VARIABLE VALUE…`; the last value comes to stand first. */
function readPath(what: 'prepend' | 'append', words: readonly (string | undefined)[], notebook: ModuleNotebook): void {
  let delimiter: string | undefined;
  let at = 0;
  for (; words[at]?.startsWith('-') === true; at += 1) {
    const [, own] = /^--delim=(.*)$/.exec(words[at] ?? '') ?? [];
    if (own !== undefined) delimiter = own;
    else if (/^(?:-d|--delim)$/.test(words[at] ?? '')) delimiter = words[(at += 1)];
  }
  const [variable, ...values] = words.slice(at);
  for (const value of values) {
    // an index of a use counter, as in `value:2`, is the tool's own
    const parts = value === undefined || (delimiter ?? ':') !== ':' ? [value] : value.split(':');
    for (const part of what === 'prepend' ? parts.toReversed() : parts) {
      if (part !== '') notebook.change(what, variable, part, delimiter);
    }
  }
}

function plain(values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined && !value.startsWith('-')) as string[];
}

function valueOf(word: TclWord, scene: Scene, depth: number): string | undefined {
  if (word.braced) return word.text;
  let value = '';
  for (const piece of tclPieces(word.text)) {
    const part = typeof piece === 'string' ? piece : substitute(piece, scene, depth);
    if (part === undefined || value.length + part.length > 8192) return undefined;
    value += part;
  }
  return value;
}

function substitute(
  piece: { readonly variable: string } | { readonly command: string },
  scene: Scene,
  depth: number,
): string | undefined {
  const { facts, variables } = scene;
  if ('variable' in piece) {
    const name = piece.variable.replace(/^::/, '');
    const [, own] = /^env\((\w+)\)$/.exec(name) ?? [];
    if (own !== undefined) return Object.hasOwn(facts.env, own) ? facts.env[own] : undefined;
    if (name === 'ModulesCurrentModulefile') return facts.file;
    return variables.get(name);
  }
  if (depth > deepest) return undefined;
  const [words] = tclCommands(piece.command);
  const [name, ...rest] = (words ?? []).map((word) => valueOf(word, scene, depth + 1));
  const known = rest.filter((value) => value !== undefined);
  if (known.length < rest.length) return undefined;
  return callOf(name, known, facts);
}

function callOf(name: string | undefined, rest: readonly string[], facts: ModuleFacts): string | undefined {
  const [verb, ...of] = rest;
  const [path = ''] = of;
  if (name === 'file' && verb === 'join') return of.reduce((at, part) => posix.resolve(at === '' ? '/' : at, part), '');
  if (name === 'file' && verb === 'dirname') return posix.dirname(path);
  if (name === 'file' && verb === 'tail') return posix.basename(path);
  if (name === 'file' && verb === 'normalize') return posix.normalize(path);
  if (name === 'module-info' && verb === 'name') return facts.name;
  if (name === 'module-info' && verb === 'version') return posix.basename(facts.name);
  if (name === 'getenv') return facts.env[verb ?? ''] ?? of[0];
  if (name === 'string' && verb === 'trim') return path.trim();
  return undefined;
}
