import {
  closeSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { join, posix } from 'node:path';

import { byBytes, type FileLock, type Note } from '../../model/index.ts';
import { decodeName, encodeName } from '../../roots/names.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { becausePrivate, factsOf, leftNote, lockFiles, type LockOptions } from './lock.ts';

/** One entry as it was before the run. */
interface Was {
  readonly stats: Stats;
  /** Of a link. */
  readonly target?: string;
  /** What was set aside: a copy of its own, or a piece of the file of small ones. */
  readonly copy?: string | { readonly at: number; readonly size: number };
}

export interface Before {
  /**
   * The state before the run of what it read (`inputs`) and changed (`outputs`). What was not there then is in
   * neither list; what is not known is named.
   */
  locks(
    of: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
    options: LockOptions,
  ): Promise<{
    readonly inputs: readonly FileLock[];
    readonly before: readonly FileLock[];
    readonly notes: readonly Note[];
  }>;
}

/**
 * Looks at everything below a run's directory before it runs, and sets copies aside, the most recently changed first,
 * so that what the run overwrites can start again as it was. git dirs are looked into by nobody: they come back by
 * themselves.
 */
export async function snapshotBefore(
  directory: string,
  options: {
    readonly work: string;
    readonly limits: Partial<Limits>;
    /** Inputs and outputs that were named, wherever they lie. */
    readonly named?: readonly string[];
  },
): Promise<Before> {
  const limits = { ...defaultLimits, ...options.limits };
  const found = walk(directory, options.named ?? [], limits.entries, options.work);
  const copies = join(options.work, 'before');
  mkdirSync(copies, { recursive: true, mode: 0o700 });
  const known = new Map<string, Was>(found.seen);
  setAside(found.seen, known, copies, limits);
  return {
    async locks({ inputs, outputs }, lock) {
      const notes: Note[] = [];
      const settle = async (paths: readonly string[], changed: ReadonlySet<string>) => {
        const files: FileLock[] = [];
        const unchanged: string[] = [];
        for (const path of paths) {
          const was = known.get(path);
          const covered = found.covers(path);
          if (was === undefined && covered) continue; // the run made it
          if (was === undefined && changed.has(path)) {
            files.push({ path, left: 'changed' });
            notes.push({ ...leftNote(path, 'changed', 0), kind: 'incomplete' });
          } else if (was === undefined || isAsItWas(path, was)) unchanged.push(path);
          else files.push(...(await lockCopy(path, was, copies, lock, notes)));
        }
        const now = await lockFiles(unchanged, lock);
        notes.push(...now.notes);
        return [...files, ...now.files].sort((a, b) => byBytes(a.path, b.path));
      };
      const read = new Set(inputs);
      const changed = new Set(outputs);
      const state = {
        inputs: await settle(inputs, changed),
        before: await settle(
          outputs.filter((path) => !read.has(path)),
          changed,
        ),
      };
      rmSync(copies, { recursive: true, force: true });
      return { ...state, notes };
    },
  };
}

interface Walked {
  readonly seen: readonly (readonly [string, Was])[];
  /** Whether a path would have been seen, had it been there. */
  covers(path: string): boolean;
}

function walk(directory: string, named: readonly string[], limit: number, ours: string): Walked {
  const seen: [string, Was][] = [];
  const entered = new Set<string>();
  const folders = new Set<string>();
  const waiting = [directory];
  const add = (path: string) => {
    const was = look(path);
    if (was === undefined || path === ours) return;
    seen.push([path, was]);
    if (!was.stats.isDirectory()) return;
    folders.add(path);
    if (!path.endsWith('/.git') && !isKernel(path)) waiting.push(path);
  };
  for (const path of named) add(path);
  while (waiting.length > 0 && seen.length < limit) {
    const folder = waiting.shift() ?? directory;
    if (entered.has(folder)) continue;
    entered.add(folder);
    for (const name of namesIn(folder)) add(posix.join(folder, name));
  }
  const covers = (path: string): boolean => {
    if (named.includes(path)) return true;
    // the nearest folder that was there decides: below one that was not, nothing was
    for (let at = posix.dirname(path); ; at = posix.dirname(at)) {
      if (entered.has(at)) return true;
      if (at === '/' || folders.has(at)) return false;
    }
  };
  return { seen, covers };
}

/** Up to this size, files are set aside in one file: making thousands of them is what takes long. */
const small = 1024 * 1024;

function setAside(seen: Walked['seen'], known: Map<string, Was>, copies: string, limits: Limits): void {
  const files = seen.filter(([path, { stats }]) => stats.isFile() && stats.size <= limits.copy && !isInstalled(path));
  files.sort(([a, one], [b, other]) => other.stats.mtimeMs - one.stats.mtimeMs || byBytes(a, b));
  const pool = openSync(join(copies, 'small'), 'wx', 0o600);
  let end = 0;
  let room = limits.copies;
  let shared = true;
  for (const [number, [path, was]] of files.slice(0, limits.files).entries()) {
    const copy = join(copies, String(number));
    if (was.stats.size > small && shared && tryCopy(path, copy, constants.COPYFILE_FICLONE_FORCE)) {
      known.set(path, { ...was, copy });
      continue;
    }
    if (was.stats.size > small) shared = false;
    if (was.stats.size > room) continue;
    if (was.stats.size > small) {
      if (!tryCopy(path, copy, 0)) continue;
      known.set(path, { ...was, copy });
    } else {
      const bytes = tryRead(path);
      if (bytes === undefined) continue;
      writeSync(pool, bytes, 0, bytes.length, end);
      known.set(path, { ...was, copy: { at: end, size: bytes.length } });
      end += bytes.length;
    }
    room -= was.stats.size;
  }
  closeSync(pool);
}

function tryRead(path: string): Buffer | undefined {
  try {
    return readFileSync(encodeName(path));
  } catch {
    return undefined;
  }
}

/** The bytes of a small file that was set aside. */
function readAside(copies: string, { at, size }: { readonly at: number; readonly size: number }): Buffer {
  const pool = openSync(join(copies, 'small'), 'r');
  try {
    const bytes = Buffer.alloc(size);
    readSync(pool, bytes, 0, size, at);
    return bytes;
  } finally {
    closeSync(pool);
  }
}

function tryCopy(path: string, copy: string, mode: number): boolean {
  try {
    copyFileSync(encodeName(path), copy, mode);
    return true;
  } catch {
    rmSync(copy, { force: true });
    return false;
  }
}

async function lockCopy(
  path: string,
  was: Was,
  copies: string,
  options: LockOptions,
  notes: Note[],
): Promise<FileLock[]> {
  const { stats, target, copy } = was;
  const { uid, gid } = stats;
  const facts = factsOf(path, { mode: stats.mode & 0o7777, uid, gid });
  if (target !== undefined) return [{ path, link: target }];
  if (stats.isDirectory()) return [{ ...facts, directory: true }];
  if (!stats.isFile()) return [];
  const left =
    becausePrivate(path, stats.mode & 0o7777, options.include) ?? (copy === undefined ? 'changed' : undefined);
  if (left !== undefined || copy === undefined) {
    notes.push(leftNote(path, left ?? 'changed', stats.size));
    return [{ ...facts, left: left ?? 'changed' }];
  }
  const content =
    typeof copy === 'string' ? await options.store.addFile(copy) : await options.store.add(readAside(copies, copy));
  // without its time: that of what runs change is not the same twice
  return [{ ...facts, ...content }];
}

function isAsItWas(path: string, { stats }: Was): boolean {
  const now = look(path)?.stats;
  return (
    now !== undefined &&
    now.ino === stats.ino &&
    now.dev === stats.dev &&
    now.size === stats.size &&
    now.mtimeMs === stats.mtimeMs &&
    // what keeps a file's time (cp -p, touch -r) still moves this one
    now.ctimeMs === stats.ctimeMs
  );
}

function look(path: string): Was | undefined {
  try {
    const name = encodeName(path);
    const stats = lstatSync(name, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return stats.isSymbolicLink() ? { stats, target: decodeName(readlinkSync(name, 'buffer')) } : { stats };
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(encodeName(folder), 'buffer').map(decodeName).sort(byBytes);
  } catch {
    return [];
  }
}

/** Package managers fill these; runs read them. */
function isInstalled(path: string): boolean {
  return /\/(?:node_modules|site-packages|__pycache__)\//.test(path);
}

function isKernel(path: string): boolean {
  return /^\/(?:proc|sys|dev|run)$/.test(path);
}
