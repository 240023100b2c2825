import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { byBytes, UserError } from '../model/index.ts';
import { lockFile, type Lock } from './lock.ts';
import { removeTree } from './remove-tree.ts';
import { removeRecord, writeRecord } from './write-record.ts';

/** One thing on a shelf. A record that can't be read, or whose maker was interrupted, is `broken`, and says why. */
export type Held<T> = { readonly name: string } & (
  | { readonly status: 'making' | 'made'; readonly value: T }
  | { readonly status: 'broken'; readonly because: string; readonly value?: T }
);

/** A thing that nobody else may change until this is disposed. */
export interface Claim<T> extends AsyncDisposable {
  readonly name: string;
  /** As it was when it was claimed. */
  readonly held: Held<T>;
  /** A folder for the thing's own files; it exists. */
  readonly folder: string;
  /** Writes facts down before the next thing is made. */
  record(value: T): Promise<void>;
  /** It is whole now. */
  commit(value: T): Promise<void>;
  /** Takes the record, the folder and what is left in it away: the last thing to do. */
  remove(): Promise<void>;
}

/** Things of one kind, each a JSON file of its own. */
export interface Shelf<T> {
  /** The folder for a thing's own files, whether it exists or not. */
  folder(name: string): string;
  /** Sorted by name. */
  list(): Promise<readonly Held<T>[]>;
  find(name: string): Promise<Held<T> | undefined>;
  /** Writes down that it will be made, before anything is. Throws UserError where it is there, or in other hands. */
  reserve(name: string, value: T): Promise<Claim<T>>;
  /** What is there, whatever became of it; where nothing is, what will be made is written down. */
  hold(name: string, value: T): Promise<Claim<T>>;
  /** What is there, to be changed or removed, whatever became of it. Throws UserError where it is not there. */
  claim(name: string): Promise<Claim<T>>;
}

export interface ShelfOptions<T> {
  readonly directory: string;
  /** What one is called, for messages: `instance`. */
  readonly what: string;
  /** The value as it was written, checked; throws for one that is none. */
  readonly check: (value: unknown) => T;
  /** How long to wait for another process that holds the same thing, in milliseconds; default 2,000. */
  readonly waitMs?: number;
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function openShelf<T>({ directory, what, check, waitMs = 2000 }: ShelfOptions<T>): Shelf<T> {
  const article = /^[aeiou]/.test(what) ? 'an' : 'a';
  const recordOf = (name: string) => join(directory, `${name}.json`);
  const lockOf = (name: string) => join(directory, 'locks', name);

  const read = async (name: string): Promise<Held<T> | undefined> => {
    let text: string;
    try {
      text = await readFile(recordOf(name), 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? undefined : { name, status: 'broken', because: `its record cannot be read (${code})` };
    }
    try {
      const { status, value } = JSON.parse(text) as { status?: unknown; value?: unknown };
      if (status !== 'making' && status !== 'made') throw new SyntaxError('no status');
      return { name, status, value: check(value) };
    } catch {
      return { name, status: 'broken', because: 'its record is damaged' };
    }
  };

  /** Who makes something holds its lock; without one it was interrupted. */
  const judged = async (held: Held<T>): Promise<Held<T>> => {
    if (held.status !== 'making') return held;
    using free = await lockFile(lockOf(held.name));
    if (free === undefined) return held;
    const again = await read(held.name); // it may have become whole meanwhile
    if (again?.status !== 'making') return again ?? held;
    return { name: held.name, status: 'broken', because: 'its making was interrupted', value: held.value };
  };

  const take = async (name: string): Promise<Lock> => {
    if (!nameForm.test(name)) throw new UserError(`"${name}" cannot name ${article} ${what}`, { status: 2 });
    const lock = await lockFile(lockOf(name), { waitMs });
    if (lock !== undefined) return lock;
    throw new UserError(`${what} ${name} is in the hands of another repronim`, { hint: 'wait until that has ended' });
  };

  /** Records that were being written when their writer was killed. */
  const sweep = async (files: readonly string[]): Promise<void> => {
    for (const file of files) {
      const [, pid] = /^\.new-([0-9]+)-/.exec(file) ?? [];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(directory, file), { force: true });
    }
  };

  const claimed = async (held: Held<T>, lock: Lock): Promise<Claim<T>> => {
    const { name } = held;
    const folder = join(directory, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let gone = false;
    const write = async (status: 'making' | 'made', value: T) => {
      if (gone) throw new Error(`${what} ${name} was removed already`);
      await writeRecord(recordOf(name), { status, value: check(value) });
    };
    return {
      name,
      held,
      folder,
      record: (value) => write(held.status === 'made' ? 'made' : 'making', value),
      commit: (value) => write('made', value),
      async remove() {
        gone = true;
        await removeTree(folder);
        await removeRecord(recordOf(name));
        lock.forget();
      },
      async [Symbol.asyncDispose]() {
        lock[Symbol.dispose]();
      },
    };
  };

  return {
    folder: (name) => join(directory, name),
    async list() {
      const files = await readdir(directory).catch(() => []);
      await sweep(files);
      const names = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5));
      const held = await Promise.all(names.sort(byBytes).map(read));
      return await Promise.all(held.filter((one) => one !== undefined).map(judged));
    },
    async find(name) {
      const held = nameForm.test(name) ? await read(name) : undefined;
      return held === undefined ? undefined : await judged(held);
    },
    async reserve(name, value) {
      const lock = await take(name);
      try {
        const fresh = await writeRecord(recordOf(name), { status: 'making', value: check(value) }, 'fresh');
        if (fresh) return await claimed({ name, status: 'making', value }, lock);
        throw new UserError(`there is ${article} ${what} ${name} already`, {
          hint: `choose another name, or: repronim delete ${name}`,
        });
      } catch (error) {
        lock[Symbol.dispose]();
        throw error;
      }
    },
    async hold(name, value) {
      const lock = await take(name);
      try {
        const held = await read(name);
        if (held === undefined) await writeRecord(recordOf(name), { status: 'making', value: check(value) });
        return await claimed(held ?? { name, status: 'making', value }, lock);
      } catch (error) {
        lock[Symbol.dispose]();
        throw error;
      }
    },
    async claim(name) {
      const lock = await take(name);
      try {
        const held = await read(name);
        if (held !== undefined) return await claimed(held, lock);
        lock.forget();
        throw new UserError(`there is no ${what} ${name}`, { hint: 'repronim ls lists what there is' });
      } catch (error) {
        lock[Symbol.dispose]();
        throw error;
      }
    },
  };
}
