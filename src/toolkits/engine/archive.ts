import { posix } from 'node:path';
import { Readable } from 'node:stream';

import { UserError } from '../../model/index.ts';
import type { Entry } from '../../model/index.ts';
import { pathOf } from '../../roots/tar-index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../roots/tar-header.ts';
import { readMembers, type Member } from '../../roots/tar-members.ts';
import { EngineError, type Engine } from './client.ts';
import { openSpool } from './spool.ts';

/** The files of one container, by the archive endpoints. They work while it is stopped, too. */
export interface Files {
  /** The member that stands for the path itself; undefined where it is not there. Links in its folders are followed. */
  head(path: string): Promise<Member | undefined>;
  /** A file's content; undefined where it is not there, or no file. */
  read(path: string, limit: number): Promise<Buffer | undefined>;
  /**
   * Where a path leads with every link resolved in the container; its missing rest is kept as it is. Where links go in
   * a circle, the daemon answers with status 500 (here and in `head`).
   */
  resolve(path: string): Promise<{ readonly path: string; readonly type: Entry['type'] | undefined }>;
  /** Puts what a tar holds below `into`, an existing folder without links in its path. */
  put(into: string, stream: AsyncIterable<Uint8Array>): Promise<void>;
  /** The tar of a path; names in it begin with the path's last part. */
  get(path: string): Promise<AsyncIterable<Uint8Array>>;
}

const maximumLinks = 40;

export function containerFiles(engine: Engine, container: string): Files {
  const endpoint = `/containers/${container}/archive`;
  const named = (path: string) => (engine.kind.takesPatterns ? path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`) : path);
  const get = async (path: string) => await engine.stream('GET', endpoint, { query: { path: named(path) } });
  const stat = async (path: string) => {
    try {
      const response = await engine.stream('HEAD', endpoint, { query: { path: named(path) } });
      response.resume();
      return readStat(String(response.headers['x-docker-container-path-stat'] ?? ''));
    } catch (error) {
      if (error instanceof EngineError && error.code === 404) return undefined;
      throw error;
    }
  };
  const first = async (path: string): Promise<Member | undefined> => {
    for await (const member of await getOrNothing(get, path)) return member;
    return undefined;
  };

  const resolve: Files['resolve'] = async (path) => {
    let at = '/';
    let links = 0;
    let seen = await stat('/');
    const rest = partsOf(path);
    while (rest.length > 0) {
      const part = rest.pop() ?? '';
      if (part === '..') {
        at = posix.dirname(at);
        seen = await stat(at);
        continue;
      }
      at = posix.join(at, part);
      seen = seen === undefined ? undefined : await stat(at);
      if (seen?.type !== 'link') continue;
      if (++links > maximumLinks) throw new UserError(`too many links on the way to ${path}`);
      at = seen.target; // the daemon has resolved it already
      seen = await stat(at);
      if (seen?.type === 'link') seen = undefined; // it leads to itself
    }
    return { path: at, type: seen?.type };
  };

  return {
    head: first,
    resolve,
    get,
    async read(path, limit) {
      for await (const member of await getOrNothing(get, path)) {
        if (member.type !== 'file') return undefined;
        if (member.size > limit) throw new RangeError(`${path} has ${member.size} bytes`);
        return Buffer.concat(await Array.fromAsync(member.content()));
      }
      return undefined;
    },
    async put(into, stream) {
      await engine.call('PUT', endpoint, { query: { path: into, noOverwriteDirNonDir: 'true' }, body: stream });
    },
  };
}

/** A tar of paths of a container: one after the other, with names relative to `/`. */
export async function* tarOf(files: Files, paths: readonly string[]): AsyncIterable<Uint8Array> {
  for (const path of paths) {
    const folder = posix.dirname(path).slice(1);
    for await (const member of readMembers(await files.get(path))) {
      if (member.name === '' || member.type === 'socket') continue;
      const renamed = (name: string) => (folder === '' ? name : `${folder}/${name}`);
      yield encodeHeader({
        ...headerOf(member),
        name: renamed(member.name.replace(/^\/+/, '')),
        ...(member.type === 'hardlink' && { target: renamed((member.target ?? '').replace(/^\/+/, '')) }),
      });
      yield* member.content();
      yield tarPadding(member.size);
    }
  }
  yield tarEnd;
}

/**
 * A stranger's tar, made fit to be unpacked below `into`: names that lead out of it are left out, and so are members
 * that lie behind a link which the tar itself brings; links that the container has in the folders on the way are
 * resolved here, because the daemon would replace a link by the tar's folder of that name. Names come out relative
 * to `/`. All questions are asked before: the daemon answers none about a container while it unpacks into it.
 */
export async function placeIn(
  files: Files,
  into: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> {
  const base = await files.resolve(into);
  const seen = new Map<string, { readonly path: string; readonly isThere: boolean }>();
  const brought = new Map<string, Member['type']>();
  const folderOf = async (path: string): Promise<{ path: string; isThere: boolean } | undefined> => {
    if (path === base.path) return { path, isThere: base.type !== undefined };
    const parent = await folderOf(posix.dirname(path));
    if (parent === undefined) return undefined;
    const here = posix.join(parent.path, posix.basename(path));
    const made = brought.get(here);
    if (made !== undefined) return made === 'directory' ? { path: here, isThere: true } : undefined;
    const known = seen.get(here) ?? (await lookAt(here, parent.isThere));
    seen.set(here, known);
    return known;
  };
  const lookAt = async (path: string, mayBeThere: boolean) => {
    const member = mayBeThere ? await files.head(path) : undefined;
    if (member?.type !== 'link') return { path, isThere: member !== undefined };
    const led = await files.resolve(path);
    return { path: led.path, isThere: led.type !== undefined };
  };
  const memberAt = async (path: string) => {
    const folder = await folderOf(posix.dirname(path));
    return folder === undefined ? undefined : posix.join(folder.path, posix.basename(path));
  };

  const spool = openSpool();
  try {
    for (const header of missingFolders(base, await firstThere(files, base))) spool.add(encodeHeader(header));
    for await (const member of readMembers(stream)) {
      const inside = pathOf(member.name);
      if (inside === undefined || inside === '/' || member.type === 'socket') continue;
      const path = posix.join(base.path, inside);
      // a folder that is there, also behind a link, keeps its place
      const own = member.type === 'directory' ? (await folderOf(path))?.path : await memberAt(path);
      if (own === undefined) continue;
      const led = member.type === 'hardlink' ? pathOf(member.target ?? '') : undefined;
      const linked = led === undefined ? undefined : await memberAt(posix.join(base.path, led));
      if (member.type === 'hardlink' && linked === undefined) continue;
      const target = member.type === 'hardlink' ? linked?.slice(1) : member.target;
      brought.set(own, member.type);
      spool.add(encodeHeader({ ...headerOf(member), name: own.slice(1), target }));
      for await (const piece of member.content()) spool.add(piece);
      spool.add(tarPadding(member.size));
    }
    spool.add(tarEnd);
    return spool.give();
  } catch (error) {
    spool.drop();
    throw error;
  }
}

/** A tar of one file, with its missing folders, relative to `/`. */
export async function placeFile(
  files: Files,
  path: string,
  content: Buffer,
  mode: number,
): Promise<AsyncIterable<Uint8Array>> {
  const folder = await files.resolve(posix.dirname(path));
  const missing = missingFolders(folder, await firstThere(files, folder)).map(encodeHeader);
  const name = posix.join(folder.path, posix.basename(path)).slice(1);
  const header = { name, type: 'file', mode, uid: 0, gid: 0, size: content.length, mtimeMs: Date.now() } as const;
  return Readable.from([...missing, encodeHeader(header), content, tarPadding(content.length), tarEnd]);
}

/** Bits of Go's `fs.FileMode`. */
const bits = { directory: 2 ** 31, link: 2 ** 27, device: 2 ** 26, fifo: 2 ** 25, socket: 2 ** 24, character: 2 ** 21 };

function readStat(header: string): { readonly type: Entry['type']; readonly target: string } {
  const { mode, linkTarget } = JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as {
    readonly mode: number;
    readonly linkTarget?: string;
  };
  const is = (bit: number) => Math.floor(mode / bit) % 2 === 1;
  const target = linkTarget ?? '';
  if (is(bits.directory)) return { type: 'directory', target };
  if (is(bits.link)) return { type: 'link', target };
  if (is(bits.fifo)) return { type: 'fifo', target };
  if (is(bits.socket)) return { type: 'socket', target };
  if (is(bits.device)) return { type: is(bits.character) ? 'character' : 'block', target };
  return { type: 'file', target };
}

/** The last folder on the way to a path that is there. */
async function firstThere(
  files: Files,
  at: { readonly path: string; readonly type: Entry['type'] | undefined },
): Promise<string> {
  if (at.type === 'directory') return at.path;
  if (at.type !== undefined) throw new UserError(`${at.path} is no folder`);
  for (let path = posix.dirname(at.path); path !== '/'; path = posix.dirname(path)) {
    if ((await files.head(path)) !== undefined) return path;
  }
  return '/';
}

function missingFolders(at: { readonly path: string }, there: string): Header[] {
  const found: Header[] = [];
  for (let path = at.path; path !== there && path !== '/'; path = posix.dirname(path)) {
    const name = path.slice(1);
    found.unshift({ name, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeMs: Date.now() });
  }
  return found;
}

/** What a member's header says, to be written again. */
export function headerOf(member: Member): Header {
  const { name, mode, uid, gid, size, mtimeMs, target, device, capability } = member;
  const type = member.type === 'socket' ? 'fifo' : member.type;
  return { name, type, mode, uid, gid, size, mtimeMs, target, device, capability };
}

async function getOrNothing(
  get: (path: string) => Promise<AsyncIterable<Uint8Array>>,
  path: string,
): Promise<AsyncIterable<Member>> {
  try {
    return readMembers(await get(path));
  } catch (error) {
    if (error instanceof EngineError && error.code === 404) return readMembers(emptyStream());
    throw error;
  }
}

async function* emptyStream(): AsyncIterable<Uint8Array> {}

/** The parts of a path, the last one first. */
function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.reverse();
}
