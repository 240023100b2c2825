import { RootError, type Root } from '../../contract/index.ts';
import type { Entry } from '../../model/index.ts';
import type { Look } from './look.ts';
import { findInterpreter, type BinaryFormat, type Interpreter } from './programs.ts';

type Known = Pick<Entry, 'type' | 'mode' | 'target'>;

/** Every path of a root, and what is there. */
export type Tree = ReadonlyMap<string, Known>;

/** One walk; folders of `except` are not entered. */
export async function readTree(root: Root, except: readonly string[], signal: AbortSignal): Promise<Tree> {
  const tree = new Map<string, Known>();
  for await (const { path, type, mode, target } of root.scan({ except, digests: [], signal })) {
    tree.set(path, { type, mode, ...(target !== undefined && { target }) });
  }
  return tree;
}

/** The same, as far as it is asked for. */
export type AskedTree = Pick<Tree, 'get' | 'has'>;

/** Of what is all that may be asked: everything was there before. */
export const everything: AskedTree = { get: () => undefined, has: () => true };

/** How often more may be asked for: links lead on to links. */
const mostRounds = 100;

/**
 * What `read` makes of a root that is too large to be looked through: it is called again, with what it has asked for,
 * until it asks for nothing more.
 */
export async function readAsked<T>(
  root: Root,
  known: Map<string, Known | undefined>,
  read: (tree: AskedTree) => T,
): Promise<T> {
  for (let rounds = 0; ; rounds += 1) {
    const wanted = new Set<string>();
    const get = (path: string) => {
      if (!known.has(path)) wanted.add(path);
      return known.get(path);
    };
    const result = read({ get, has: (path) => get(path) !== undefined });
    if (wanted.size === 0 || rounds === mostRounds) return result;
    const paths = [...wanted];
    const stats = await root.lstat(paths);
    const targets = await Promise.all(
      paths.map(async (path, index) =>
        stats[index]?.type === 'link' ? await root.readlink(path).catch(() => undefined) : undefined,
      ),
    );
    for (const [index, path] of paths.entries()) {
      const [stat, target] = [stats[index], targets[index]];
      known.set(path, stat && { type: stat.type, mode: stat.mode, ...(target !== undefined && { target }) });
    }
  }
}

/** The files of a root that were there before a command ran, and those that are there after it. */
export function lookInside(before: AskedTree, after: AskedTree, heads: ReadonlyMap<string, Buffer>): Look {
  const isOf = (path: string, ...types: readonly Entry['type'][]) => types.includes(after.get(path)?.type ?? 'socket');
  return {
    linkTarget: (path) => after.get(path)?.target,
    isDirectory: (path) => isOf(path, 'directory'),
    isFile: (path) => isOf(path, 'file'),
    isThere: (path) => after.has(path),
    isSetuid: (path) => ((after.get(path)?.mode ?? 0) & 0o6000) !== 0,
    isNew: (path) => after.has(path) && !before.has(path),
    interpreter(path, formats): Interpreter | undefined {
      const head = heads.get(path);
      return head === undefined ? undefined : interpreterIn(head, path, formats);
    },
  };
}

/** Programs in a root are read whole; larger ones are taken for what they mostly are, static. */
const largest = 256 * 1024 * 1024;
/** What of them is kept: headers of ELF files and first lines of scripts are in it. */
const kept = 64 * 1024;
const deepest = 5;

/**
 * The beginnings of these programs, and of all that interprets them. `resolve` says where a name leads, undefined
 * where it leads nowhere.
 */
export async function readHeads(
  root: Root,
  programs: Iterable<string>,
  resolve: (name: string) => string,
  formats: readonly BinaryFormat[],
): Promise<Map<string, Buffer>> {
  const heads = new Map<string, Buffer>();
  let waiting = [...programs];
  for (let depth = 0; depth <= deepest && waiting.length > 0; depth += 1) {
    const next: string[] = [];
    for (const path of waiting) {
      if (heads.has(path)) continue;
      const head = await headOf(root, path);
      heads.set(path, head);
      const found = interpreterIn(head, path, formats);
      if (found?.name.startsWith('/') === true) next.push(resolve(found.name));
    }
    waiting = next;
  }
  return heads;
}

async function headOf(root: Root, path: string): Promise<Buffer> {
  try {
    return Buffer.from((await root.readFile(path, largest)).subarray(0, kept));
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return Buffer.alloc(0);
  }
}

function interpreterIn(head: Buffer, path: string, formats: readonly BinaryFormat[]): Interpreter | undefined {
  return findInterpreter((position, length) => head.subarray(position, position + length), path, formats);
}
