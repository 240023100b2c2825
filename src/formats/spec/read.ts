import { isUtf8 } from 'node:buffer';

import type { GenericSchema } from 'valibot';

import { digestText } from '../../contract/schema.ts';
import type { AnyDistribution } from '../../contract/index.ts';
import type { Spec } from '../../model/index.ts';
import { near } from '../near.ts';
import { checkIds } from './ids.ts';
import { shown, throwFaults, type Fault } from './fault.ts';
import { validate } from './issues.ts';
import { findUnknownKeys } from './keys.ts';
import { parseText } from './parse.ts';
import {
  besideText,
  customizeSchema,
  environmentSchema,
  filesLockSchema,
  filesSchema,
  hostSchema,
  lockSchema,
  runLockSchema,
  runSchema,
  topSchema,
} from './schema.ts';
import { keyAt, locator, nodeAt, toValue, type Document, type ValuePath } from './tree.ts';

export interface ReadOptions {
  /** As the user named it; what messages begin with. */
  readonly file: string;
  /** The types that there are. */
  readonly distributions: readonly AnyDistribution[];
}

export interface ReadResult {
  readonly spec: Spec;
  /** Unknown keys, mostly: said, and no reason to stop. */
  readonly warnings: readonly Fault[];
  /** The text with its positions: what `writeSpec` edits, and `faultsAt` points into. */
  readonly document: Document;
}

/**
 * A spec's text to its value, whole or not at all. Throws a UserError (status 2) with every fault that there is, each
 * with its position. The text is a stranger's: nothing in it is looked up, fetched or run.
 */
export function readSpec(source: string | Uint8Array, options: ReadOptions): ReadResult {
  const { file } = options;
  const text = typeof source === 'string' ? source.replace(/^\ufeff/, '') : decode(source, file);
  const parsed = parseText(text, file);
  if (parsed.root === undefined) throwFaults(parsed.faults);
  const document = { file, text, root: parsed.root, locate: locator(text) };
  const reading: Reading = { document, faults: [...parsed.faults], warnings: [], options };
  const spec = readTop(reading);
  if (reading.faults.length > 0 || spec === undefined) throwFaults(reading.faults);
  return { spec, warnings: reading.warnings, document };
}

/** A fault at the value (or, `key`, at the key) of a path. */
export function faultAt(
  document: Document,
  path: ValuePath,
  message: string,
  hint?: string,
  key: boolean = false,
): Fault {
  const node = key ? keyAt(document.root, path) : nodeAt(document.root, path);
  const position = document.locate(node.start);
  return { file: document.file, ...position, message, ...(hint === undefined ? {} : { hint }) };
}

interface Reading {
  readonly document: Document;
  readonly faults: Fault[];
  readonly warnings: Fault[];
  readonly options: ReadOptions;
}

type Map = Readonly<Record<string, unknown>>;

function readTop(reading: Reading): Spec | undefined {
  const { document } = reading;
  const value = toValue(document.root);
  if (!isMap(value) || !Object.hasOwn(value, 'repronim')) {
    const hint = 'its first line is: repronim: 1';
    reading.faults.push(faultAt(document, [], 'not a spec: there is no key "repronim"', hint));
    return undefined;
  }
  if (value['repronim'] !== '1') {
    const hint = /^[0-9]+$/.test(String(value['repronim'])) ? 'a newer repronim may know it' : 'write: repronim: 1';
    const message = `unknown version ${shown(value['repronim'])} of the format; known: 1`;
    reading.faults.push(faultAt(document, ['repronim'], message, hint));
    return undefined;
  }
  check(reading, topSchema, value, [], 'the file', { shallow: true });
  const spec: Record<string, unknown> = { ...value, repronim: 1 };
  piece(reading, spec, 'from', besideText, 'from');
  readRuns(reading, spec);
  piece(reading, spec, 'environment', environmentSchema, 'environment');
  readDistributions(reading, spec);
  piece(reading, spec, 'customize', customizeSchema, 'customize');
  piece(reading, spec, 'files', filesSchema, 'files');
  readLock(reading, spec);
  if (reading.faults.length > 0) return undefined;
  const checked = spec as unknown as Spec;
  // what it is on top of may have what it leads to
  if (checked.from !== undefined) return checked;
  checkIds(checked, (path, message, hint, key) => {
    reading.faults.push(faultAt(document, path, message, hint, key));
  });
  return checked;
}

function readRuns(reading: Reading, spec: Record<string, unknown>): void {
  const runs = list(reading, spec['runs'], ['runs']);
  if (runs === undefined) return;
  spec['runs'] = runs.map((run, index) => check(reading, runSchema, run, ['runs', index], `run ${index + 1}`));
}

function readDistributions(reading: Reading, spec: Record<string, unknown>): void {
  const entries = list(reading, spec['distributions'], ['distributions']);
  if (entries === undefined) return;
  spec['distributions'] = entries.map((entry, index) => {
    const path = ['distributions', index];
    const type = isMap(entry) ? entry['type'] : undefined;
    if (typeof type !== 'string') {
      const message = isMap(entry)
        ? 'distribution without a type'
        : `expected a distribution: a map with a type, not ${shown(entry)}`;
      reading.faults.push(faultAt(reading.document, path, message, `known: ${known(reading)}`));
      return entry;
    }
    const plugin = reading.options.distributions.find((candidate) => candidate.type === type);
    if (plugin === undefined) {
      reading.faults.push(
        faultAt(
          reading.document,
          [...path, 'type'],
          `unknown type of distribution ${shown(type)}`,
          hintFor(reading, type),
        ),
      );
      return entry;
    }
    return check(reading, plugin.schema, entry, path, type);
  });
}

function readLock(reading: Reading, spec: Record<string, unknown>): void {
  if (spec['lock'] === undefined) return;
  const lock = { ...(check(reading, lockSchema, spec['lock'], ['lock'], 'lock', { shallow: true }) as Map) };
  if (!isMap(spec['lock'])) return;
  spec['lock'] = lock;
  piece(reading, lock, 'from', digestText, 'lock of from', ['lock']);
  piece(reading, lock, 'files', filesLockSchema, 'lock of files', ['lock']);
  piece(reading, lock, 'host', hostSchema, 'host', ['lock']);
  const types = typesById(spec['distributions']);
  lock['distributions'] = entriesOf(reading, lock['distributions'], ['lock', 'distributions'], (id, entry, path) => {
    const plugin = reading.options.distributions.find((candidate) => candidate.type === types.get(id));
    if (plugin !== undefined) return check(reading, plugin.lockSchema, entry, path, `lock of ${id}`);
    if (types.has(id)) return entry; // its type is unknown, which was said
    const hint = types.size === 0 ? undefined : `known: ${[...types.keys()].join(', ')}`;
    reading.faults.push(
      faultAt(reading.document, path, `lock of ${shown(id)}, which is no distribution of this file`, hint, true),
    );
    return entry;
  });
  lock['runs'] = entriesOf(reading, lock['runs'], ['lock', 'runs'], (id, entry, path) =>
    check(reading, runLockSchema, entry, path, `lock of ${id}`),
  );
  for (const key of ['distributions', 'runs']) if (lock[key] === undefined) delete lock[key];
}

function piece(
  reading: Reading,
  parent: Record<string, unknown>,
  key: string,
  schema: GenericSchema,
  what: string,
  path: ValuePath = [],
): void {
  if (parent[key] === undefined) return;
  parent[key] = check(reading, schema, parent[key], [...path, key], what);
}

/** The checked value, or the value as it is when there are faults. */
function check(
  reading: Reading,
  schema: GenericSchema,
  value: unknown,
  path: ValuePath,
  what: string,
  options: { readonly shallow?: boolean } = {},
): unknown {
  const node = nodeAt(reading.document.root, path);
  const misspelt = new Set<string>();
  for (const key of findUnknownKeys(node, schema, what)) {
    const position = reading.document.locate(key.node.start);
    const fault = { file: reading.document.file, ...position, message: key.message };
    if (key.meant === undefined) {
      reading.warnings.push(fault);
    } else {
      misspelt.add(key.meant);
      reading.faults.push({ ...fault, ...(key.hint === undefined ? {} : { hint: key.hint }) });
    }
  }
  const result = validate(schema, value, what);
  if ('output' in result) return options.shallow === true ? value : result.output;
  for (const issue of result.issues) {
    if (issue.missing && [...misspelt].some((key) => issue.message.endsWith(`"${key}"`))) continue; // said already
    reading.faults.push(faultAt(reading.document, [...path, ...issue.path], issue.message, issue.hint));
  }
  return value;
}

function list(reading: Reading, value: unknown, path: ValuePath): readonly unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return value;
  reading.faults.push(
    faultAt(reading.document, path, `${path.at(-1)}: expected a list, not ${isMap(value) ? 'a map' : shown(value)}`),
  );
  return undefined;
}

function entriesOf(
  reading: Reading,
  value: unknown,
  path: ValuePath,
  read: (id: string, entry: unknown, path: ValuePath) => unknown,
): unknown {
  if (value === undefined) return undefined;
  if (!isMap(value)) {
    reading.faults.push(faultAt(reading.document, path, `${path.join('.')}: expected a map of ids`));
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([id, entry]) => [id, read(id, entry, [...path, id])]));
}

function typesById(distributions: unknown): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  if (!Array.isArray(distributions)) return types;
  for (const entry of distributions as unknown[]) {
    if (!isMap(entry) || typeof entry['type'] !== 'string') continue;
    types.set(typeof entry['id'] === 'string' ? entry['id'] : entry['type'], entry['type']);
  }
  return types;
}

function known(reading: Reading): string {
  return reading.options.distributions.map(({ type }) => type as string).join(', ');
}

function hintFor(reading: Reading, type: string): string {
  const meant = near(
    type,
    reading.options.distributions.map((candidate) => candidate.type as string),
  );
  return `${meant === undefined ? '' : `did you mean ${meant}? `}known: ${known(reading)}`;
}

function isMap(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decode(bytes: Uint8Array, file: string): string {
  if (!isUtf8(bytes)) refuseBytes(bytes, file);
  return new TextDecoder('utf-8').decode(bytes);
}

function refuseBytes(bytes: Uint8Array, file: string): never {
  const text = new TextDecoder('utf-8').decode(bytes);
  const position = locator(text)(Math.max(text.indexOf('\ufffd'), 0));
  throwFaults([{ file, ...position, message: 'not UTF-8', hint: 'write such bytes as "\\uDC80" to "\\uDCFF"' }]);
}
