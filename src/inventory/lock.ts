import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';

export interface LockOptions {
  /** How long to wait for another process, in milliseconds; default 0: not at all. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** A lock that is held; disposing gives it back. */
export interface Lock extends Disposable {
  /** The thing that it stood for is gone: its file goes with the lock. */
  forget(): void;
}

/**
 * Takes a lock of this machine and user; undefined while somebody else, or we ourselves, hold it. The kernel gives it
 * back when its holder ends, also by SIGKILL: it is the fcntl(2) lock of an empty SQLite database, the one way to
 * such a lock that Node brings with it.
 */
export async function lockFile(file: string, options: LockOptions = {}): Promise<Lock | undefined> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const until = performance.now() + (options.waitMs ?? 0);
  for (;;) {
    options.signal?.throwIfAborted();
    const held = tryLock(file);
    if (held !== undefined) return held;
    if (performance.now() >= until) return undefined;
    await sleep(25);
  }
}

function tryLock(file: string): Lock | undefined {
  const inode = inodeOf(file) ?? createEmpty(file);
  const database = new DatabaseSync(file);
  try {
    // its journal would be a file: on a full disk there is no room for one, and locks are needed to make room
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === 5) return undefined; // SQLITE_BUSY
    const { errcode } = error as { errcode?: number };
    throw errcode === 13 ? Object.assign(error as Error, { code: 'ENOSPC', path: file }) : error; // SQLITE_FULL
  }
  if (inodeOf(file) !== inode) {
    // who held it before has taken the file away: what we hold is nobody's lock any more
    database.close();
    return undefined;
  }
  let isForgotten = false;
  return {
    forget() {
      isForgotten = true;
    },
    [Symbol.dispose]() {
      if (!database.isOpen) return;
      if (isForgotten) rmSync(file, { force: true });
      database.close();
    },
  };
}

// Never opened by us once it is there: closing any descriptor of a file gives up this process's fcntl locks on it.
function createEmpty(file: string): bigint | undefined {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return inodeOf(file);
}

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}
