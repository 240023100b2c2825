import { posix } from 'node:path';

import { byBytes, isSafeAbsolute } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';

/** What a program or library is linked with. */
export interface Linked {
  /** Names of libraries, as `libssl.so.3`. */
  readonly needed: readonly string[];
  /** Where it wants them looked for first; `$ORIGIN` is its own folder. */
  readonly paths: readonly string[];
}

/** Numbers of the format (elf(5)). */
const loadSegment = 1;
const dynamicSegment = 2;
const neededTag = 1;
const stringTableTag = 5;
const rpathTag = 15;
const runpathTag = 29;

/** Where the loader looks in the end (ld.so(8)), on Debian's and Red Hat's systems. */
const systemFolders = [
  ...['x86_64-linux-gnu', 'aarch64-linux-gnu', 'arm-linux-gnueabihf'].flatMap((name) => [
    `/usr/lib/${name}`,
    `/lib/${name}`,
  ]),
  '/usr/lib64',
  '/lib64',
  '/usr/lib',
  '/lib',
  '/usr/local/lib',
];

/** More files than these are not looked into, and none that is larger. */
const mostFiles = 500;
const largestFile = 64 * 1024 * 1024;

/**
 * Libraries outside of the tree at `top` that these files of it are linked with, canonical in their folders and sorted:
 * for what no run has shown.
 */
export async function linkedOutside(top: string, paths: Iterable<string>, root: Root): Promise<readonly string[]> {
  const programs = [...paths].filter((path) => /\/s?bin\/[^/]+$|\.so(?:\.[\d.]+)?$/.test(path)).slice(0, mostFiles);
  const wanted = new Set<string>();
  for (const path of programs) {
    const bytes = await root.readFile(path, largestFile).catch(() => undefined);
    const linked = bytes === undefined ? undefined : parseElf(bytes);
    if (linked === undefined) continue;
    const own = linked.paths
      .map((folder) => posix.normalize(folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, posix.dirname(path))))
      .filter(isSafeAbsolute);
    for (const name of linked.needed) {
      for (const folder of [...own, posix.join(top, 'lib')]) wanted.add(posix.join(folder, name));
      for (const folder of systemFolders) wanted.add(posix.join(folder, name));
    }
  }
  const candidates = [...wanted];
  const stats = await root.lstat(candidates);
  const found = new Map<string, string>();
  for (const [index, path] of candidates.entries()) {
    const name = posix.basename(path);
    // the first place that has it is where the loader takes it from
    if (stats[index] !== undefined && !found.has(name)) found.set(name, path);
  }
  return [...found.values()].filter((path) => !path.startsWith(`${top}/`)).sort(byBytes);
}

/** The dynamic section of an ELF file of little-endian bytes; undefined where it has none. Never throws. */
export function parseElf(bytes: Buffer): Linked | undefined {
  try {
    return readDynamic(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it leads out of the file
    throw error;
  }
}

function readDynamic(bytes: Buffer): Linked | undefined {
  if (bytes.length < 64 || bytes.toString('latin1', 0, 4) !== '\x7fELF' || bytes.readUInt8(5) !== 1) return undefined;
  const wide = bytes.readUInt8(4) === 2;
  const word = (at: number): number => (wide ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at));
  const segments = Array.from({ length: Math.min(bytes.readUInt16LE(wide ? 56 : 44), 256) }, (_, index) => {
    const at = word(wide ? 32 : 28) + index * bytes.readUInt16LE(wide ? 54 : 42);
    return {
      type: bytes.readUInt32LE(at),
      offset: word(at + (wide ? 8 : 4)),
      address: word(at + (wide ? 16 : 8)),
      size: word(at + (wide ? 32 : 16)),
    };
  });
  const dynamic = segments.find(({ type }) => type === dynamicSegment);
  if (dynamic === undefined) return undefined;
  const entries: { readonly tag: number; readonly value: number }[] = [];
  const step = wide ? 16 : 8;
  for (let at = dynamic.offset; at < dynamic.offset + Math.min(dynamic.size, 65_536); at += step) {
    const tag = word(at);
    if (tag === 0) break;
    entries.push({ tag, value: word(at + step / 2) });
  }
  const table = entries.find(({ tag }) => tag === stringTableTag)?.value;
  const segment = segments.find(
    ({ type, address, size }) =>
      type === loadSegment && table !== undefined && table >= address && table < address + size,
  );
  if (table === undefined || segment === undefined) return undefined;
  const start = table - segment.address + segment.offset;
  const texts = (...tags: readonly number[]) =>
    entries.flatMap(({ tag, value }) => {
      const end = tags.includes(tag) ? bytes.indexOf(0, start + value) : -1;
      return end === -1 || end - start - value > 4096 ? [] : [bytes.toString('utf8', start + value, end)];
    });
  return {
    needed: texts(neededTag).filter((name) => /^[^/\0]+$/.test(name) && name !== '.' && name !== '..'),
    paths: texts(rpathTag, runpathTag).flatMap((list) => list.split(':').filter((folder) => folder !== '')),
  };
}
