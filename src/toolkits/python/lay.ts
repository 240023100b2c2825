import { posix } from 'node:path';

import { byBytes, sha256, UserError, type ContentRef } from '../../model/index.ts';
import type { Obtained, Store } from '../../contract/index.ts';
import type { TreeEntry } from '../trees/entries.ts';
import { compress, writeTar, type TarMember } from '../trees/tar.ts';
import { parseEntryPoints, type EntryPoint } from './metadata.ts';
import { formatRecord, toRecordHash, type RecordEntry } from './record.ts';
import { isWheelPackage, type PythonLock, type PythonPackage } from './spec.ts';
import { installedPaths, isAboutWheel, isScript, openWheelFile, type Scheme } from './wheel.ts';

/** Where packages are laid, and what runs their scripts. */
export interface LayTarget extends Scheme {
  /** Absolute, as scripts name it in their first line. */
  readonly interpreter: string;
}

/** What stands in a tree of ours beside its packages. */
export type Beside = readonly ({ readonly path: string } & (
  | { readonly target: string }
  | { readonly content: string }
))[];

/** The second of January 1980: what is older can't be packed into a zip again. */
const fixedTime = 315_619_200;

/**
 * Packages as an installer puts them, from their wheels: always the same bytes. Scripts are made of entry points, each
 * package gets its RECORD; nothing is compiled and nothing executed. One file at a time is held.
 */
export async function* layPackages(
  lock: Pick<PythonLock, 'packages'>,
  target: LayTarget,
  beside: Beside,
  store: Store,
): AsyncGenerator<TarMember> {
  const placed = new Set<string>();
  const folders = new Set<string>();
  function* foldersOf(path: string): Generator<TarMember> {
    const above: string[] = [];
    for (let at = posix.dirname(path); at !== '.' && !folders.has(at); at = posix.dirname(at)) above.push(at);
    for (const folder of above.reverse()) {
      folders.add(folder);
      yield { entry: entryOf(folder, 'directory', 0o755) };
    }
  }
  function* put(path: string, content: Buffer, mode: number): Generator<TarMember> {
    if (placed.has(path) || folders.has(path)) return;
    placed.add(path);
    yield* foldersOf(path);
    yield {
      entry: { ...entryOf(path, 'file', mode), size: content.length, sha256: sha256(content) },
      content: [content],
    };
  }

  yield { entry: entryOf('.', 'directory', 0o755) };
  folders.add('.');
  for (const one of beside) {
    if ('content' in one) yield* put(one.path, Buffer.from(one.content), 0o644);
    else {
      placed.add(one.path);
      yield* foldersOf(one.path);
      yield { entry: { ...entryOf(one.path, 'link', 0o777), target: one.target } };
    }
  }
  yield* foldersOf(`${target.site}/x`);
  for (const one of lock.packages) {
    const record: RecordEntry[] = [];
    for await (const { path, content, mode } of filesOf(one, target, store)) {
      record.push({
        path: posix.relative(target.site, path),
        hash: toRecordHash(sha256(content)),
        size: content.length,
      });
      yield* put(path, content, mode);
    }
    const info = record.find(({ path }) => path.endsWith('.dist-info/METADATA'))?.path;
    if (info === undefined) continue;
    const path = `${posix.dirname(info)}/RECORD`;
    yield* put(`${target.site}/${path}`, Buffer.from(formatRecord([...record, { path }])), 0o644);
  }
}

/** What `layPackages` makes, as one tar (zstd) in the store. */
export async function layTree(
  lock: PythonLock,
  target: LayTarget,
  beside: Beside,
  store: Store,
): Promise<Obtained & { readonly made: Readonly<Record<string, ContentRef>> }> {
  const tree = await store.add(compress(writeTar(layPackages(lock, target, beside, store))));
  return { from: {}, refused: [], missing: [], made: { tree } };
}

/** What `layPackages` makes, without the content; undefined where its wheels are not in the store any more. */
export async function laidEntries(
  lock: PythonLock,
  target: LayTarget,
  beside: Beside,
  store: Store,
): Promise<TreeEntry[] | undefined> {
  for (const { sha256 = '' } of lock.packages) if ((await store.find(sha256)) === undefined) return undefined;
  const entries: TreeEntry[] = [];
  for await (const { entry } of layPackages(lock, target, beside, store)) entries.push(entry);
  return entries.sort((a, b) => byBytes(a.path, b.path));
}

interface LaidFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

/** Every file of one package but its RECORD. */
async function* filesOf(one: PythonPackage, target: LayTarget, store: Store): AsyncGenerator<LaidFile> {
  const file = isWheelPackage(one) ? await store.find(one.sha256) : undefined;
  if (one.file === undefined || file === undefined) {
    throw new UserError(`the wheel of ${one.name} ${one.version} is not there`);
  }
  using wheel = await openWheelFile(file, one.file);
  let scripts: readonly EntryPoint[] = [];
  for (const member of wheel.members) {
    if (isAboutWheel(member.name)) continue;
    const [path] = installedPaths(member.name, target, one.name);
    if (path === undefined) continue;
    const content = await wheel.read(member);
    if (member.name === `${wheel.info}/entry_points.txt`) scripts = parseEntryPoints(content);
    if (isScript(member.name)) yield { path, content: rewritten(content, target), mode: 0o755 };
    else yield { path, content, mode: (member.mode & 0o111) === 0 ? 0o644 : 0o755 };
  }
  for (const { name, module, object } of scripts) {
    yield { path: `bin/${name}`, content: Buffer.from(scriptText(module, object, target)), mode: 0o755 };
  }
  const info = `${target.site}/${wheel.info}`;
  yield { path: `${info}/INSTALLER`, content: Buffer.from('repronim\n'), mode: 0o644 };
  if (one.requested === true) yield { path: `${info}/REQUESTED`, content: Buffer.alloc(0), mode: 0o644 };
}

/** `#!python` stands for the interpreter ("Binary distribution format", packaging.python.org). */
function rewritten(content: Buffer, target: LayTarget): Buffer {
  if (!content.subarray(0, 8).equals(Buffer.from('#!python'))) return content;
  const end = content.indexOf('\n');
  const rest = end === -1 ? Buffer.alloc(0) : content.subarray(end + 1);
  return Buffer.concat([Buffer.from(firstLine(target)), rest]);
}

/** The module and object are identifiers: see `parseEntryPoints`. */
function scriptText(module: string, object: string, target: LayTarget): string {
  const [first = object] = object.split('.');
  return `${firstLine(target)}import sys

from ${module} import ${first}

if __name__ == '__main__':
    sys.exit(${object}())
`;
}

/** The kernel takes at most 127 bytes and no blanks (execve(2)); a shell takes the rest. */
function firstLine({ interpreter }: LayTarget): string {
  if (/^[\w./+@:,=-]+$/.test(interpreter) && interpreter.length < 124) return `#!${interpreter}\n`;
  if (/["$`\\\n]/.test(interpreter)) throw new UserError(`scripts can not name ${interpreter}`);
  return `#!/bin/sh\n'''exec' "${interpreter}" "$0" "$@"\n' '''\n`;
}

function entryOf(path: string, type: TreeEntry['type'], mode: number): TreeEntry {
  return { path, type, mode, uid: 0, gid: 0, mtime: type === 'file' ? fixedTime : 0 };
}
