import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { encodeName } from '../../roots/names.ts';
import { applyDelta, parseLoose, parsePacked, parseTreeObject, type GitObject } from './object-file.ts';
import { parsePackIndex, type PackIndex } from './pack-index.ts';

/** Objects of one repository, read in this process. What is not there, or broken, is undefined. */
export interface ObjectReader extends Disposable {
  read(id: string): Promise<GitObject | undefined>;
  /** The blob at a path of a commit's tree. */
  blobAt(commit: string, path: string): Promise<Buffer | undefined>;
}

interface Pack {
  readonly index: PackIndex;
  /** So many bytes of the pack from an offset on; fewer at its end. */
  piece(offset: number, length: number): Promise<Buffer>;
  close(): void;
}

const deepest = 4096;

/** The objects of `commonDir` and of whatever it borrows from. */
export async function readObjects(root: Root, commonDir: string, algorithm: 'sha1' | 'sha256'): Promise<ObjectReader> {
  const idLength = algorithm === 'sha1' ? 20 : 32;
  const folders = await objectFolders(root, commonDir);
  let packs: readonly Pack[] | undefined;

  // each of 256 folders is looked at once: most objects lie in packs, and would be looked for in vain
  const looseIn = new Map<string, Promise<LooseFolder>>();
  const readLoose = async (folder: string, id: string): Promise<Buffer | undefined> => {
    const part = `${folder}/${id.slice(0, 2)}`;
    let loose = looseIn.get(part);
    if (loose === undefined) looseIn.set(part, (loose = openLoose(root, part)));
    return await (
      await loose
    )(id.slice(2));
  };

  const fromPack = async (pack: Pack, offset: number, depth: number): Promise<GitObject | undefined> => {
    let packed = parsePacked(await pack.piece(offset, 8192), offset, idLength);
    for (let length = 1 << 16; packed === undefined && length <= 1 << 28; length *= 16)
      packed = parsePacked(await pack.piece(offset, length), offset, idLength);
    if (packed === undefined || packed.is === 'whole') return packed?.object;
    if (depth > deepest) return undefined;
    const { base, delta } = packed;
    const under = typeof base === 'number' ? await fromPack(pack, base, depth + 1) : await read(base, depth + 1);
    const data = under === undefined ? undefined : applyDelta(under.data, delta);
    return under === undefined || data === undefined ? undefined : { type: under.type, data };
  };

  const read = async (id: string, depth = 0): Promise<GitObject | undefined> => {
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id)) return undefined;
    for (const folder of folders) {
      const loose = await readLoose(folder, id);
      if (loose !== undefined) return parseLoose(loose);
    }
    packs ??= (await Promise.all(folders.map((folder) => openPacks(root, folder, idLength)))).flat();
    for (const pack of packs) {
      const offset = pack.index.find(id);
      if (offset !== undefined) return await fromPack(pack, offset, depth);
    }
    return undefined;
  };

  // thousands of logs of git-annex are looked up in one tree
  const known = new Map<string, ReadonlyMap<string, string>>();
  const membersOf = async (id: string | undefined): Promise<ReadonlyMap<string, string>> => {
    if (id === undefined) return new Map();
    let held = known.get(id);
    if (held === undefined) {
      const tree = await read(id);
      const members = tree?.type === 'tree' ? parseTreeObject(tree.data, idLength) : [];
      known.set(id, (held = new Map(members.map((member) => [member.name, member.id]))));
    }
    return held;
  };
  const topOf = new Map<string, string | undefined>();
  return {
    read: async (id) => await read(id),
    async blobAt(commit, path) {
      if (!topOf.has(commit))
        topOf.set(commit, /^tree ([0-9a-f]+)\n/.exec((await read(commit))?.data.toString('latin1') ?? '')?.[1]);
      let id = topOf.get(commit);
      for (const part of path.split('/')) id = (await membersOf(id)).get(part);
      const blob = id === undefined ? undefined : await read(id);
      return blob?.type === 'blob' ? blob.data : undefined;
    },
    [Symbol.dispose]() {
      for (const pack of packs ?? []) pack.close();
    },
  };
}

/** Folders of objects: the repository's own first, then those that it borrows from (gitrepository-layout(5), alternates). */
export async function objectFolders(root: Root, commonDir: string): Promise<readonly string[]> {
  const found: string[] = [posix.join(commonDir, 'objects')];
  for (let next = 0; next < found.length && found.length < 64; next += 1) {
    const folder = found[next] ?? '';
    const text = await root.readFile(posix.join(folder, 'info/alternates'), 1 << 20).catch(() => undefined);
    for (const line of text?.toString('utf8').split('\n') ?? []) {
      if (line === '' || line.startsWith('#')) continue;
      const path = /^"(.*)"$/.exec(line)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? line;
      const other = posix.resolve(folder, path);
      if (!found.includes(other)) found.push(other);
    }
  }
  return found;
}

type LooseFolder = (name: string) => Promise<Buffer | undefined> | Buffer | undefined;

const largestLoose = 512 * 1024 * 1024;

/** Reads files of one folder; of this machine, without asking again where that folder is. */
async function openLoose(root: Root, folder: string): Promise<LooseFolder> {
  const names = new Set((await root.readdir(folder).catch(() => [])).map(({ name }) => name));
  const [real] = root.directory === undefined || names.size === 0 ? [] : await root.realpath([folder]);
  return (name) => {
    if (!names.has(name)) return undefined;
    if (real === undefined) return root.readFile(`${folder}/${name}`).catch(() => undefined);
    return readPlain(encodeName(`${root.directory === '/' ? '' : root.directory}${real}/${name}`));
  };
}

/** A file that is one and no link. */
function readPlain(file: string | Buffer): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = fstatSync(descriptor);
    if (size > largestLoose) return undefined;
    const bytes = Buffer.allocUnsafe(size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

async function openPacks(root: Root, folder: string, idLength: 20 | 32): Promise<Pack[]> {
  const packs: Pack[] = [];
  for (const { name } of await root.readdir(posix.join(folder, 'pack')).catch(() => [])) {
    if (!/^pack-[0-9a-f]+\.idx$/.test(name)) continue;
    const bytes = await root.readFile(posix.join(folder, 'pack', name)).catch(() => undefined);
    const index = bytes === undefined ? undefined : parsePackIndex(bytes, idLength);
    if (index !== undefined)
      packs.push({ index, ...pieces(root, posix.join(folder, 'pack', name.replace(/idx$/, 'pack'))) });
  }
  return packs;
}

/** A pack of this machine is read in pieces, another one once and whole. */
function pieces(root: Root, path: string): Pick<Pack, 'piece' | 'close'> {
  let whole: Promise<Buffer> | undefined;
  let file: { readonly descriptor: number; readonly size: number } | undefined;
  return {
    async piece(offset, length) {
      if (root.directory === undefined) {
        whole ??= root.readFile(path).catch(() => Buffer.alloc(0));
        return (await whole).subarray(offset, offset + length);
      }
      if (file === undefined) {
        const [real] = await root.realpath([path]);
        if (real === undefined) return Buffer.alloc(0);
        const descriptor = openSync(encodeName(root.directory === '/' ? real : root.directory + real), 'r');
        file = { descriptor, size: fstatSync(descriptor).size };
      }
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, file.size - offset)));
      return bytes.subarray(0, readSync(file.descriptor, bytes, 0, bytes.length, offset));
    },
    close() {
      if (file !== undefined) closeSync(file.descriptor);
    },
  };
}
