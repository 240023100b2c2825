import { posix } from 'node:path';

import type { Ran } from '../../contract/index.ts';

/** A module as the environment names it, and its file. */
export interface Named {
  readonly name: string;
  readonly file: string;
}

/**
 * What was loaded when the command started, in order: the two lists that both tools keep, else Lmod's own table
 * (base64 of a Lua table in `_ModuleTable001_` …, its manual calls it the module table).
 */
export function loadedBefore(env: Ran['env']): readonly Named[] {
  const names = listOf(env['LOADEDMODULES']);
  const files = listOf(env['_LMFILES_'] ?? joined(env, (number) => `_LMFILES${pad(number)}_`));
  if (names.length > 0 && names.length === files.length) {
    return names.map((name, index) => ({ name, file: files[index] ?? '' })).filter(({ file }) => file.startsWith('/'));
  }
  return tableOf(joined(env, (number) => `_ModuleTable${pad(number)}_`));
}

/** The folders in which modules are looked for, in order. */
export function modulePath(env: Ran['env']): readonly string[] {
  return [...new Set(listOf(env['MODULEPATH']).filter((path) => path.startsWith('/') && !path.includes('$')))].map(
    (path) => posix.normalize(path).replace(/(?<=.)\/$/, ''),
  );
}

/** What the command's own programs asked a module tool to load, in order: `foo`, `foo/1.2`. */
export function askedWithin(programs: Ran['programs']): readonly string[] {
  const asked = new Set<string>();
  for (const { argv } of programs) {
    const at = argv.findIndex((word) => /^(?:modulecmd(?:\.tcl)?|modulecmd-compat|lmod)$/.test(posix.basename(word)));
    if (at === -1) continue;
    const words = argv.slice(at + 2).filter((word) => !word.startsWith('-'));
    const [verb = '', ...names] = words;
    if (/^(?:load|add|try-load|try-add|switch|swap|sw|load-any)$/.test(verb)) for (const name of names) asked.add(name);
    else if (verb === 'ml' && !/^(?:avail|av|list|unload|purge|show|spider)$/.test(names[0] ?? '')) {
      for (const name of names) asked.add(name);
    }
  }
  return [...asked].filter((name) => /^(?:[\w+@:~][\w.+@:~-]*)(?:\/[\w+@:~][\w.+@:~-]*)*$/.test(name));
}

/** Which tool keeps the modules, where the environment or a program tells. */
export function toolOf({ env, programs }: Ran): {
  readonly tool?: 'lmod' | 'environment-modules';
  readonly version?: string;
} {
  const ran = (name: RegExp) => programs.some(({ argv }) => argv.some((word) => name.test(posix.basename(word))));
  if (env['LMOD_VERSION'] !== undefined && /^[\w.]{1,40}$/.test(env['LMOD_VERSION'])) {
    return { tool: 'lmod', version: env['LMOD_VERSION'] };
  }
  if (env['LMOD_CMD'] !== undefined || ran(/^lmod$/)) return { tool: 'lmod' };
  if (env['MODULES_CMD'] !== undefined || ran(/^modulecmd/)) return { tool: 'environment-modules' };
  return {};
}

/** The active modules of Lmod's table, by the order in which they were loaded. */
function tableOf(encoded: string): Named[] {
  const text = Buffer.from(encoded.slice(0, 8 * 1024 * 1024), 'base64').toString('utf8');
  const found: (Named & { readonly order: number })[] = [];
  // one field a line, the file's first
  for (const entry of text.split(/(?<=[{\n])\s*fn = "/).slice(1)) {
    const field = (key: string) => new RegExp(`\\n\\s*${key} = "?([^",\\n]*)`).exec(entry)?.[1];
    const [name, file, order] = [field('fullName'), /^[^"\n]*/.exec(entry)?.[0], field('loadOrder')];
    if (name === undefined || file?.startsWith('/') !== true || field('status') !== 'active') continue;
    found.push({ name, file, order: Number(order) || 0 });
  }
  return found.sort((a, b) => a.order - b.order).map(({ name, file }) => ({ name, file }));
}

function joined(env: Ran['env'], nameOf: (number: number) => string): string {
  let text = '';
  for (let number = 1; number < 1000; number += 1) {
    const part = env[nameOf(number)];
    if (part === undefined) break;
    text += part;
  }
  return text;
}

function listOf(value: string | undefined): string[] {
  return (value ?? '').split(':').filter((part) => part !== '');
}

function pad(number: number): string {
  return String(number).padStart(3, '0');
}
