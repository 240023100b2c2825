import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { byBytes, isWithin, type Entry, type FileLock, type Note } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import type { Before } from './before.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { becausePrivate, factsOf, leftNote, lockFiles, type LockOptions } from './lock.ts';

/** What a session shows that no files are in. */
const kernels = ['/proc', '/sys', '/dev'];

/**
 * The same for a run in an instance: what lies below its directory is looked at through the root, and small files are
 * set aside. A run in `/` has no directory of its own: of what is there, only the names are known then.
 */
export async function snapshotInside(
  root: Root,
  directory: string,
  options: { readonly work: string; readonly limits: Partial<Limits>; readonly named?: readonly string[] },
): Promise<Before> {
  const limits = { ...defaultLimits, ...options.limits };
  const real = await root.realpath([directory, ...(options.named ?? [])]);
  const below = [...new Set(real.filter((path) => path !== undefined))];
  const whole = below.includes('/');
  const most = whole ? Infinity : limits.entries;
  const copies = join(options.work, 'before');
  mkdirSync(copies, { recursive: true, mode: 0o700 });
  const known = new Map<string, Entry>();
  const aside = new Map<string, string>();
  let room = limits.copies;
  if (below.length > 0) {
    for await (const entry of root.scan({ below, digests: whole ? [] : ['sha256'], except: kernels })) {
      if (known.size >= most) break;
      known.set(entry.path, entry);
      const { size = 0 } = entry;
      if (whole || entry.type !== 'file' || size > limits.copy || size > room || aside.size >= limits.files) continue;
      const content = await root.readFile(entry.path, limits.copy).catch(() => undefined);
      if (content === undefined) continue;
      const copy = join(copies, String(aside.size));
      writeFileSync(copy, content, { mode: 0o600 });
      aside.set(entry.path, copy);
      room -= size;
    }
  }
  const covers = (path: string) => known.size < most && below.some((folder) => isWithin(path, folder));

  return {
    async locks({ inputs, outputs }, lock) {
      const notes: Note[] = [];
      const read = new Set(inputs);
      const settle = async (paths: readonly string[], changed: ReadonlySet<string>) => {
        const now = await root.digest(paths, 'sha256');
        const files: FileLock[] = [];
        const unchanged: string[] = [];
        for (const [index, path] of paths.entries()) {
          const was = known.get(path);
          if (was === undefined && covers(path)) continue; // the run made it
          if (was?.sha256 === undefined ? !changed.has(path) : was.sha256 === now[index]) {
            unchanged.push(path);
          } else files.push(await lockAside(path, was, aside.get(path), lock, notes));
        }
        const locked = await lockFiles(unchanged, lock);
        notes.push(...locked.notes);
        return [...files, ...locked.files].sort((a, b) => byBytes(a.path, b.path));
      };
      const changed = new Set(outputs);
      const rewritten = outputs.filter((path) => !read.has(path));
      const state = { inputs: await settle(inputs, changed), before: await settle(rewritten, changed) };
      rmSync(copies, { recursive: true, force: true });
      return { ...state, notes };
    },
  };
}

async function lockAside(
  path: string,
  was: Entry | undefined,
  copy: string | undefined,
  { store, include }: LockOptions,
  notes: Note[],
): Promise<FileLock> {
  const facts = was === undefined ? { path } : factsOf(path, was);
  const left = was === undefined || copy === undefined ? 'changed' : becausePrivate(path, was.mode, include);
  if (left === undefined && copy !== undefined) return { ...facts, ...(await store.add(readFileSync(copy))) };
  notes.push(leftNote(path, left ?? 'changed', was?.size ?? 0));
  return { ...facts, left: left ?? 'changed' };
}
