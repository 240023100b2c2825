import { createHash, hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { posix } from 'node:path';

import type { Entry, Note } from '../model/index.ts';
import { readMembers, type Member } from './tar-members.ts';
import { tarTree, type Extent, type TarNode } from './tar-tree.ts';

/** Files whose content is taken into a temporary file; `descriptor` is that file. */
export interface Spool {
  readonly descriptor: number;
  keep(path: string, size: number): boolean;
}

export interface TarIndex {
  readonly nodes: ReadonlyMap<string, TarNode>;
  /** What the archive has that no filesystem can have: names that lead out of it, members below a link. */
  readonly notes: readonly Note[];
  /** Why nobody should unpack it who does not trust it: what was left out, absolute names, devices of a machine. */
  readonly suspect: readonly Suspect[];
}

export interface Suspect {
  /** As it stands in the archive. */
  readonly name: string;
  readonly because: string;
}

/** What is there in place of the archive's own member; `undefined`: nothing. */
export type Instead = ReadonlyMap<string, (Entry & { readonly content?: Buffer }) | undefined>;

/** Takes archives in, one laid over the other, with sha256 of each file, in one pass. */
export interface TarIndexer {
  /** `plain`: the open file that the stream is the whole of, or a piece of, so that nothing has to be kept. */
  add(stream: AsyncIterable<Uint8Array>, plain?: Extent): Promise<void>;
  /** The next one is a layer (OCI image-spec, layer.md): `.wh.` names take away what is below. */
  cover(): void;
  replace(instead: Instead): void;
  readonly index: TarIndex;
}

const maximumMembers = 4_000_000;
/** As Linux has it (PATH_MAX): a longer one can't be named there. */
const longestPath = 4096;
const mostNotes = 100;
/** Of larger files that are kept, md5 is made when it is asked for: most of them are layers or data. */
const largest = 16 * 1024 * 1024;

/** The last member of a name counts. `md5`: whether it is taken, too. */
export function tarIndexer(
  spool: Spool,
  options: { readonly md5?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
): TarIndexer {
  const tree = tarTree();
  const notes: Note[] = [];
  let left = 0;
  let end = 0;
  let count = 0;
  let isLayer = false;
  const suspect: Suspect[] = [];
  const doubt = (name: string, because: string) => {
    if (suspect.length < mostNotes) suspect.push({ name, because });
  };
  const leave = (text: string, path: string) => {
    left += 1;
    doubt(path, text);
    if (left <= mostNotes) notes.push({ kind: 'left', text, path });
  };
  const where = (path: string, size: number, plain: Extent | undefined, offset: number): Extent | undefined => {
    if (plain !== undefined) return { descriptor: plain.descriptor, at: plain.at + offset };
    return spool.keep(path, size) ? { descriptor: spool.descriptor, at: end } : undefined;
  };

  const take = async (member: Member, plain: Extent | undefined): Promise<void> => {
    const path = pathOf(member.name);
    if (path === undefined) return leave('a member of the archive that leads out of it, or has no name', member.name);
    if (member.name.startsWith('/')) doubt(member.name, 'a member of the archive that has an absolute name');
    if (isDangerous(member) && !path.startsWith('/dev/')) doubt(member.name, 'a device of the machine');
    if (isLayer && posix.basename(path).startsWith('.wh.')) return hide(path);
    if (member.type === 'hardlink') {
      const target = tree.nodes.get(pathOf(member.target ?? '') ?? '');
      if (target === undefined || target.type === 'directory') {
        return leave('a hard link to what is not in the archive', path);
      }
      if (!tree.place(path, target)) leave(belowNone, path);
      return;
    }
    const content = member.type === 'file' ? where(path, member.size, plain, member.offset) : undefined;
    const isKept = content !== undefined;
    const withMd5 = options.md5 !== false && (!isKept || member.size <= largest);
    const into = isKept && plain === undefined ? content : undefined;
    const digests = member.type === 'file' ? await takeContent(member, into, withMd5) : {};
    if (into !== undefined) end += member.size;
    const node = { ...base(member, String(count)), ...digests, ...(isKept && { content }) };
    if (!tree.place(path, node)) leave(belowNone, path);
  };

  const hide = (path: string): void => {
    const name = posix.basename(path).slice('.wh.'.length);
    const folder = posix.dirname(path);
    if (name === '.wh..opq') tree.hideBelow(folder);
    // others that begin so are the union filesystem's own
    else if (!/^(?:\.wh\..*|\.{0,2})$/s.test(name)) tree.hide(posix.join(folder, name));
  };

  return {
    async add(stream, plain) {
      for await (const member of readMembers(stream)) {
        options.signal?.throwIfAborted();
        if (++count > maximumMembers) {
          leave(`everything after the first ${maximumMembers} members`, '/');
          return;
        }
        await take(member, plain);
      }
    },
    cover() {
      isLayer = true;
      tree.cover();
    },
    replace(instead) {
      for (const [path, entry] of instead) {
        if (entry === undefined) {
          tree.remove(path);
          continue;
        }
        const { content } = entry;
        const at = content === undefined ? undefined : { descriptor: spool.descriptor, at: end };
        if (content !== undefined) {
          writeSync(spool.descriptor, content, 0, content.length, end);
          end += content.length;
        }
        const sha256 = content === undefined ? entry.sha256 : hash('sha256', content, 'hex');
        const md5 = content === undefined ? entry.md5 : hash('md5', content, 'hex');
        tree.place(path, {
          ...base({ ...entry, size: entry.size ?? 0, mtimeMs: 0 }, `instead:${path}`),
          ...(sha256 !== undefined && { sha256 }),
          ...(md5 !== undefined && { md5 }),
          ...(at !== undefined && { content: at }),
        });
      }
    },
    get index() {
      const more = left - mostNotes;
      const rest: Note[] = more > 0 ? [{ kind: 'left', text: `${more} more members of the archive` }] : [];
      return { nodes: tree.nodes, notes: [...notes, ...rest], suspect };
    },
  };
}

/** null, zero, full, random, urandom, tty, console, ptmx; and 0:0, which no driver has: a mark of overlays. */
const harmless = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '0:0']);

function isDangerous({ type, device = [0, 0] }: Member): boolean {
  return type === 'block' || (type === 'character' && !harmless.has(device.join(':')));
}

const belowNone = 'a member of the archive that lies below what is no directory';

/** The absolute path of a member's name; undefined where it leads out of the root, or is longer than Linux has it. */
export function pathOf(name: string): string | undefined {
  if (name.length > longestPath || name.includes('\0')) return undefined;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : `/${parts.join('/')}`;
}

function base(
  from: Omit<Member, 'name' | 'type' | 'offset' | 'content'> & { readonly type: Member['type'] },
  inode: string,
): TarNode {
  const { mode, uid, gid, size, mtimeMs, target, device, capability } = from;
  const type = from.type === 'hardlink' ? 'file' : from.type;
  const always = { type, mode, uid, gid, size, mtimeMs, inode };
  return {
    ...always,
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    ...(capability !== undefined && { capability }),
    ...(type === 'directory' && { children: new Set<string>() }),
  };
}

async function takeContent(
  member: Member,
  into: Extent | undefined,
  withMd5: boolean,
): Promise<{ sha256: string; md5?: string }> {
  const sha256 = createHash('sha256');
  const md5 = withMd5 ? createHash('md5') : undefined;
  let taken = 0;
  for await (const piece of member.content()) {
    if (into !== undefined) writeSync(into.descriptor, piece, 0, piece.length, into.at + taken);
    taken += piece.length;
    if (taken === member.size && taken === piece.length) {
      const whole = hash('sha256', piece, 'hex'); // twice as fast for small files
      return withMd5 ? { sha256: whole, md5: hash('md5', piece, 'hex') } : { sha256: whole };
    }
    sha256.update(piece);
    md5?.update(piece);
  }
  return { sha256: sha256.digest('hex'), ...(md5 !== undefined && { md5: md5.digest('hex') }) };
}
