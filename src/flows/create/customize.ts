import { readFile } from 'node:fs/promises';

import { ancestors, byBytes, volatileMatcher, volatilePaths, type Entry, type Step } from '../../model/index.ts';
import type { Session, Store } from '../../contract/index.ts';
import { applySteps, type OnOwner } from '../apply.ts';
import { entriesOf } from '../verify/files.ts';
import { lookAt, touchedSince } from '../change/touched.ts';

/** What one step of customize has made of a path; undefined where it took it away. */
interface Customized {
  /** Why, as the plan has it. */
  readonly because: string;
  readonly entry: Entry | undefined;
}

/** By path: the last step that changed it. */
export type CustomizedPaths = ReadonlyMap<string, Customized>;

/** Does the user's own steps, one after the other, and says what each of them has made or changed. */
export async function customize(
  steps: readonly Step[],
  session: Session,
  store: Store,
  options: { readonly onOwner: OnOwner; readonly signal: AbortSignal },
): Promise<CustomizedPaths> {
  const volatile = volatileMatcher(volatilePaths);
  const changed = new Map<string, Customized>();
  for (const step of steps) {
    const note = (path: string, entry: Entry | undefined) => changed.set(path, { because: step.because, entry });
    if (step.do === 'write') {
      // of a file, it is known what it makes: the tree need not be walked
      const folders = ancestors(step.path);
      const there = await session.root.lstat(folders);
      const paths = [...folders.filter((_, index) => there[index] === undefined), step.path];
      await applySteps([step], session, store, options.onOwner);
      for (const entry of await entriesOf(paths, new Map(), session.root)) {
        if (entry !== undefined) note(entry.path, entry);
      }
      continue;
    }
    const before = await lookAt(session.root, volatile, options.signal);
    await applySteps([step], session, store, options.onOwner);
    for (const [path, entry] of await touchedSince(before, session.root, volatile, options.signal)) note(path, entry);
  }
  return changed;
}

/** Whether an entry is still what a step made of it. */
export function isAsCustomized({ entry: was }: Customized, is: Entry | undefined): boolean {
  if (was === undefined || is === undefined) return was === is;
  const same = was.type === is.type && was.sha256 === is.sha256 && was.target === is.target;
  return same && (was.type === 'link' || was.mode === is.mode);
}

/** Keeps it; the sha256 of the list in the store, and undefined where there is nothing to keep. */
export async function keepCustomized(paths: CustomizedPaths, store: Store): Promise<string | undefined> {
  if (paths.size === 0) return undefined;
  const lines = [...paths]
    .sort(([a], [b]) => byBytes(a, b))
    .map(([path, { because, entry }]) => `${JSON.stringify({ path, because, entry })}\n`);
  return (await store.add(Buffer.from(lines.join('')))).sha256;
}

/** What was kept; nothing where the store has it no more. */
export async function readCustomized(sha256: string | undefined, store: Store): Promise<CustomizedPaths> {
  const file = sha256 === undefined ? undefined : await store.find(sha256);
  if (file === undefined) return new Map();
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const { path, because, entry } = JSON.parse(line) as Customized & { readonly path: string };
      return [path, { because, entry }];
    }),
  );
}
