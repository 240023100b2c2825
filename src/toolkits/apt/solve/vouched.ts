import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Context } from '../../../contract/index.ts';
import { byBytes, digestOf } from '../../../model/index.ts';
import type { Certificate } from '../read/openpgp.ts';

export type Voucher = 'machine' | 'bundle';

/** What was found out before: by sha256 of a package. */
export interface Vouched {
  readonly known: Map<string, Voucher>;
  /** Asked for not long ago, and nobody vouched, with the lists that this machine has. */
  readonly unknown: Set<string>;
  /** Keeps it for the next time. */
  save(): Promise<void>;
}

const lists = '/var/lib/apt/lists';
const day = 24 * 60 * 60 * 1000;

/**
 * Who vouched for what, by these keys: another set of keys is another memory. That somebody does stays true; that
 * nobody does is asked again after a day, or when this machine's lists are others.
 */
export async function rememberVouched(
  machine: readonly Certificate[],
  bundle: readonly Certificate[],
  context: Context,
): Promise<Vouched> {
  const prints = (keys: readonly Certificate[]) => keys.map(({ fingerprint }) => fingerprint).sort(byBytes);
  const name = digestOf({ machine: prints(machine), bundle: prints(bundle) }).slice(7);
  const file = join(context.store.cache('vouched'), `of-${name}.json`);
  const state = await listsState();
  const held = await readHeld(file);
  const fresh = held.lists === state && Date.now() - held.at < day;
  const known = new Map(Object.entries(held.known));
  const unknown = new Set(fresh ? held.unknown : []);
  return {
    known,
    unknown,
    async save() {
      await mkdir(join(file, '..'), { recursive: true });
      const value: Held = {
        lists: state,
        at: fresh ? held.at : Date.now(),
        known: Object.fromEntries(known),
        unknown: [...unknown],
      };
      const beside = `${file}.${randomUUID()}`;
      await writeFile(beside, JSON.stringify(value), { mode: 0o600 });
      await rename(beside, file);
    },
  };
}

interface Held {
  readonly lists: string;
  readonly at: number;
  readonly known: Readonly<Record<string, Voucher>>;
  readonly unknown: readonly string[];
}

async function readHeld(file: string): Promise<Held> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Held;
  } catch {
    return { lists: '', at: 0, known: {}, unknown: [] };
  }
}

async function listsState(): Promise<string> {
  const names = (await readdir(lists).catch(() => [])).filter((name) => name.endsWith('Release')).sort(byBytes);
  const stats = await Promise.all(names.map(async (name) => await stat(join(lists, name)).catch(() => undefined)));
  return digestOf(names.map((name, index) => [name, stats[index]?.mtimeMs ?? 0, stats[index]?.size ?? 0]));
}
