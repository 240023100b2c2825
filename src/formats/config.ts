import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

import { parse, TomlError } from 'smol-toml';

import { byBytes, UserError } from '../model/index.ts';

/** This machine's settings, from all the places that they may stand in. */
export interface Config {
  /** The settings of one plug-in or archive; empty where there are none. What the environment says is text. */
  table(name: string): Readonly<Record<string, unknown>>;
  /** Every setting that holds, sorted by key: `docker.host`. */
  entries(): readonly ConfigEntry[];
}

interface ConfigEntry {
  readonly key: string;
  readonly value: unknown;
  /** A file, or a variable. */
  readonly from: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `config.toml` in `home` and in the system's XDG places (`XDG_CONFIG_DIRS`), or the one file that
 * `REPRONIM_CONFIG` names. Of two files the user's wins, setting by setting; `REPRONIM_<TABLE>_<KEY>` wins over both.
 * Files that are not there are no error, but for a named one. Throws UserError (status 2) with the position.
 */
export function loadConfig(of: { readonly env: Environment; readonly home: string }): Config {
  const settings = new Map<string, ConfigEntry>();
  for (const { file, needed } of filesOf(of.env, of.home)) {
    for (const entry of flatten(readToml(file, needed), [], file)) settings.set(entry.key, entry);
  }
  return {
    table(name) {
      const table: Record<string, unknown> = {};
      for (const { key, value } of settings.values()) {
        if (key.startsWith(`${name}.`)) setDeep(table, key.slice(name.length + 1).split('.'), value);
      }
      for (const [variable, value] of variables(of.env, `${prefix}${shout(name)}_`)) {
        table[keyOf(variable, `${prefix}${shout(name)}_`)] = value;
      }
      return table;
    },
    entries() {
      const all = new Map(settings);
      const tables = new Set(
        [...settings.keys()].filter((key) => key.includes('.')).map((key) => key.split('.', 1)[0]),
      );
      for (const [variable, value] of variables(of.env, prefix)) {
        const table = [...tables].find((name) => variable.startsWith(`${prefix}${shout(name ?? '')}_`));
        const key =
          table === undefined ? keyOf(variable, prefix) : `${table}.${keyOf(variable, `${prefix}${shout(table)}_`)}`;
        all.set(key, { key, value, from: variable });
      }
      return [...all.values()].toSorted((a, b) => byBytes(a.key, b.key));
    },
  };
}

const prefix = 'REPRONIM_';
/** These say where things are; they are no settings. */
const places: ReadonlySet<string> = new Set(['REPRONIM_CONFIG', 'REPRONIM_HOME']);
const largest = 1024 * 1024;

function filesOf(env: Environment, home: string): readonly { readonly file: string; readonly needed: boolean }[] {
  const named = env['REPRONIM_CONFIG'];
  if (named !== undefined && named !== '') return [{ file: resolve(named), needed: true }];
  // The most important directory comes first in the variable, and last here.
  const system = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter((directory) => isAbsolute(directory));
  const folders = [...system.toReversed().map((directory) => join(directory, 'repronim')), home];
  return folders.map((folder) => ({ file: join(folder, 'config.toml'), needed: false }));
}

function readToml(file: string, needed: boolean): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    if (statSync(file).size > largest) throw new UserError(`${file}: too large for settings`, { status: 2 });
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (!needed && (code === 'ENOENT' || code === 'ENOTDIR')) return {};
    throw new UserError(`${file}: can't be read: ${code}`, {
      status: 2,
      ...(needed ? { hint: 'REPRONIM_CONFIG names it' } : {}),
    });
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [said = ''] = error.message.split('\n', 1);
    const message = said.replace(/^Invalid TOML document: /, '');
    throw new UserError(`${file}:${error.line}:${error.column}: ${message}`, { status: 2 });
  }
}

function* flatten(
  table: Readonly<Record<string, unknown>>,
  path: readonly string[],
  file: string,
): Generator<ConfigEntry> {
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) yield* flatten(value, [...path, key], file);
    else yield { key: [...path, key].join('.'), value, from: file };
  }
}

function setDeep(table: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (key === '__proto__') return;
  if (rest.length === 0) {
    table[key] = value;
    return;
  }
  const inner = Object.hasOwn(table, key) ? table[key] : undefined;
  const next: Record<string, unknown> = isTable(inner) ? { ...inner } : {};
  setDeep(next, rest, value);
  table[key] = next;
}

function variables(env: Environment, start: string): readonly (readonly [string, string])[] {
  const all = Object.entries(env) as readonly (readonly [string, string | undefined])[];
  return all.filter(
    (entry): entry is readonly [string, string] =>
      entry[1] !== undefined && entry[0].startsWith(start) && entry[0].length > start.length && !places.has(entry[0]),
  );
}

/** `docker-host` as in a variable's name: `DOCKER_HOST`. */
function shout(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

function keyOf(variable: string, start: string): string {
  return variable.slice(start.length).toLowerCase().replaceAll('_', '-');
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
