import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Root } from '../../src/contract/index.ts';
import { tarRoot } from '../../src/roots/tar.ts';
import { tarOf } from '../fakes/image.ts';

/** Something of the house that reads what strangers wrote. */
export interface Parser {
  readonly name: string;
  /** What it reads in real life; several, so that pieces of one come into the other. */
  readonly seeds: readonly (string | Buffer)[];
  /** Paths that it gives are checked: absolute in their root, and never out of it. */
  parse(bytes: Buffer): unknown;
  /** Default: UserError and RootError. By its docstring also plain Errors; or nothing at all may leave it. */
  readonly throws?: 'plain errors' | 'nothing';
  /** Puts checksums right, so that more than those is tried. */
  readonly mend?: (bytes: Buffer) => Buffer;
  /** How often, in relation to others; default 1. */
  readonly weight?: number;
}

/** Paths below a root, as `parse` may return them. */
export interface Paths {
  readonly paths: Iterable<string>;
}

/** Takes everything that comes. */
export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

export async function* once(bytes: Buffer, step = 4096): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

/** A root in memory with these files; the first may be the one that is broken. */
export async function withRoot<T>(
  files: Readonly<Record<string, string | Buffer>>,
  use: (root: Root) => Promise<T>,
): Promise<T> {
  const members = Object.entries(files).map(([name, content]) => ({ name: name.slice(1), content }));
  await using root = await tarRoot(once(tarOf(members), 65_536), 'fuzzed');
  return await use(root);
}

/** Puts bytes into a file of a folder of ours, for parsers that want one. */
export function fileOf(folder: string, name: string, bytes: Buffer): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}
