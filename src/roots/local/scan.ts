import { opendirSync, statfsSync } from 'node:fs';

import type { ScanOptions } from '../../contract/index.ts';
import { byBytes, type Entry } from '../../model/index.ts';
import { readCapabilities } from './capabilities.ts';
import { breathing, hashFile, tryHash } from './content.ts';
import { lstatOf, readFolder, readTarget, type Found } from './disk.ts';

/** So many entries are looked at together: one perl for their capabilities, and memory stays small. */
const batch = 16_384;

/** Kernel views, by the numbers of statfs(2): proc, sysfs, cgroup, cgroup2, devpts, debugfs, tracefs, securityfs, bpf, pstore, mqueue, binfmt_misc, configfs, efivarfs, selinuxfs, nsfs. */
const pseudo: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11, 0x6165676c,
  0x19800202, 0x42494e4d, 0x62656570, 0xde5e81e4, 0xf97cff8c, 0x6e736673,
]);

type Disk = (path: string) => string | Buffer;

/**
 * Every entry below a directory, in byte order of whole paths (`/a`, `/a-b`, `/a/c`). Links are not followed, kernel
 * views that are mounted in it are not entered, and what can't be read is marked.
 */
export async function* scanFolder(base: string, disk: Disk, options: ScanOptions): AsyncIterable<Entry> {
  const digests = options.digests ?? ['sha256'];
  const isRoot = process.geteuid?.() === 0;
  const breathe = breathing();
  let waiting: Walked[] = [];
  const finish = async () => {
    const found = waiting;
    waiting = [];
    const executable = found.filter(({ stat }) => stat.type === 'file' && (stat.mode & 0o111) !== 0);
    const capabilities = readCapabilities(executable.map(({ path }) => disk(path)));
    const entries: Entry[] = [];
    // hashed while perl looks for capabilities on the other core
    const hashed = async () => {
      for (const walked of found) {
        const entry = await toEntry(walked, disk, { digests, base, isRoot, signal: options.signal });
        if (entry !== undefined) entries.push(entry);
        await breathe();
        options.signal?.throwIfAborted();
      }
    };
    const [held] = await Promise.all([capabilities, hashed()]);
    if (held.size === 0) return entries;
    const byPath = new Map(executable.map(({ path }, index) => [path, held.get(index)]));
    return entries.map((entry) => {
      const capability = byPath.get(entry.path);
      return capability === undefined ? entry : { ...entry, capability };
    });
  };

  for (const walked of walkAll(disk, options)) {
    waiting.push(walked);
    if (waiting.length < batch) continue;
    yield* await finish();
  }
  yield* await finish();
}

interface Walked extends Found {
  readonly path: string;
}

function* walkAll(disk: Disk, options: ScanOptions): Iterable<Walked> {
  const except = new Set(options.except);
  const starts = [...new Set(options.below ?? ['/'])].sort(byBytes);
  for (const [index, start] of starts.entries()) {
    const before = starts.slice(0, index);
    if (before.some((other) => start.startsWith(other === '/' ? '/' : `${other}/`))) continue; // seen with that
    const found = except.has(start) ? undefined : lstatOf(disk(start));
    if (found !== undefined) yield* walk(start, found, disk, except);
  }
}

/** A folder's children, and what is below each, merged so that whole paths come in byte order: `a`, `a-b`, `a/`. */
function* walk(path: string, found: Found, disk: Disk, except: ReadonlySet<string>): Iterable<Walked> {
  yield { path, ...found };
  if (found.stat.type === 'directory') yield* walkInto(path, found, disk, except);
}

function* walkInto(path: string, found: Found, disk: Disk, except: ReadonlySet<string>): Iterable<Walked> {
  const prefix = path === '/' ? '/' : `${path}/`;
  const turns: { readonly key: string; readonly path: string; readonly found: Found; readonly enter: boolean }[] = [];
  for (const name of namesIn(path, disk)) {
    const child = prefix + name;
    if (except.has(child)) continue;
    const at = lstatOf(disk(child));
    if (at === undefined) continue; // it went away just now
    turns.push({ key: name, path: child, found: at, enter: false });
    if (at.stat.type !== 'directory') continue;
    if (at.dev !== found.dev && isPseudo(disk(child))) continue;
    turns.push({ key: `${name}/`, path: child, found: at, enter: true });
  }
  turns.sort((a, b) => byBytes(a.key, b.key));
  for (const turn of turns) {
    if (turn.enter) yield* walkInto(turn.path, turn.found, disk, except);
    else yield { path: turn.path, ...turn.found };
  }
}

function namesIn(path: string, disk: Disk): readonly string[] {
  try {
    return readFolder(disk(path)).map(({ name }) => name);
  } catch {
    return []; // not ours to read: its own entry is there, what is in it can't be told
  }
}

function isListable(folder: string | Buffer): boolean {
  try {
    opendirSync(folder).closeSync(); // access(2) asks for the real user, not for the effective one
    return lstatOf(Buffer.concat([Buffer.from(folder), Buffer.from('/.')])) !== undefined;
  } catch {
    return false;
  }
}

function isPseudo(folder: string | Buffer): boolean {
  try {
    return pseudo.has(statfsSync(folder).type);
  } catch {
    return false;
  }
}

/** How entries are looked at. */
interface Looking {
  readonly digests: readonly ('sha256' | 'md5')[];
  readonly base: string;
  readonly isRoot: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Undefined where it went away meanwhile. */
async function toEntry({ path, stat, rdev }: Walked, disk: Disk, how: Looking): Promise<Entry | undefined> {
  const { isRoot } = how;
  const entry: Entry = { path, type: stat.type, mode: stat.mode, uid: stat.uid, gid: stat.gid };
  if (stat.type === 'file') {
    const digests = await digestsOf(path, disk, how);
    const wentAway = digests.unreadable === true && lstatOf(disk(path)) === undefined;
    return wentAway ? undefined : { ...entry, size: stat.size, ...digests };
  }
  if (stat.type === 'link') {
    const target = await tryHash(() => readTarget(disk(path)));
    return target === undefined ? { ...entry, unreadable: true } : { ...entry, target };
  }
  if (stat.type === 'character' || stat.type === 'block') return { ...entry, device: deviceOf(rdev) };
  return stat.type === 'directory' && !isRoot && !isListable(disk(path)) ? { ...entry, unreadable: true } : entry;
}

async function digestsOf(
  path: string,
  disk: Disk,
  { digests, base, signal }: Looking,
): Promise<Pick<Entry, 'sha256' | 'md5' | 'unreadable'>> {
  if (digests.length === 0) return {};
  const made = await tryHash(() => hashFile(disk(path), digests, base, signal));
  return made === undefined
    ? { unreadable: true }
    : Object.fromEntries(digests.map((algorithm, index) => [algorithm, made[index]]));
}

/** `dev_t` as the GNU C library splits it (makedev(3)). */
export function deviceOf(rdev: number): readonly [number, number] {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}
