import {
  byBytes,
  isWithin,
  relativeTo,
  runId,
  type FileLock,
  type Note,
  type RunLock,
  type Spec,
} from '../../model/index.ts';
import type { Root, Store } from '../../contract/index.ts';
import { lockFiles } from '../files.ts';
import { becausePrivate } from '../files/lock.ts';
import { readUsed } from '../files/used.ts';
import { outputsOf, startsOf } from '../run-files.ts';
import type { Changes } from './look.ts';

export interface CommittedFiles {
  readonly files: readonly FileLock[];
  /** Locks of runs whose inputs were edited, or that used what is not there any more. */
  readonly runs: Readonly<Record<string, RunLock>>;
  readonly notes: readonly Note[];
}

/** The loose files and the runs' own of a spec, after its tree was changed by hand. */
export async function commitFiles(
  from: Spec,
  changes: Changes,
  owned: ReadonlySet<string>,
  options: {
    readonly now: Root;
    readonly store: Store;
    readonly include: readonly string[];
    readonly keep: boolean;
    /** Where work trees keep what is theirs: they bring that themselves. */
    readonly gitDirs: readonly string[];
  },
): Promise<CommittedFiles> {
  const { now: root, store, include, keep, gitDirs } = options;
  const outputs = new Set((from.runs ?? []).flatMap((run, index) => outputsOf(run, lockOf(from, index))));
  const inputs = new Set(startsOf(from).flatMap(({ own }) => own.map(({ path }) => path)));
  const isOwn = (path: string) =>
    owned.has(path) || outputs.has(path) || inputs.has(path) || gitDirs.some((folder) => isWithin(path, folder));
  const changed = [...changes.added, ...changes.changed].toSorted(byBytes);
  // what no package says of its files, and what people are in accounts, comes back by the file itself
  const beyond = changes.changed.filter(
    (path) =>
      owned.has(path) &&
      (accounts.has(path) || isMode(path, changes) || include.some((folder) => isWithin(path, folder))) &&
      isOpen(path, changes, include),
  );
  const loose = await lockFiles(
    [...changed.filter((path) => !isOwn(path) && !isFolderOfOthers(path, changes, owned)), ...beyond],
    { root, store, keep, limits: {}, include },
  );
  const gone = new Set([...changed, ...changes.removed]);
  const held = (from.lock?.files ?? []).filter(({ path }) => !gone.has(path));
  const files = [...held, ...loose.files].toSorted((a, b) => byBytes(a.path, b.path));
  const edited = await lockFiles(
    changed.filter((path) => inputs.has(path)),
    { root, store, keep, limits: {}, include },
  );
  const runs: Record<string, RunLock> = {};
  const notes: Note[] = [];
  for (const [index, run] of (from.runs ?? []).entries()) {
    const lock = lockOf(from, index);
    if (lock === undefined) continue;
    const id = runId(run, index);
    const used = await readUsed(lock.used, store);
    const isOther = used?.some(({ path }) => gone.has(path)) === true;
    const fresh = withEdited(lock, run.directory ?? '/', edited.files);
    if (!isOther && fresh === lock) continue;
    const { used: _, ...rest } = fresh;
    runs[id] = isOther ? rest : fresh;
    notes.push({
      kind: 'incomplete',
      about: id,
      text: `${id} was recorded with other files than are there now: its results may be others (trace it again: repronim trace --add)`,
    });
  }
  return { files, runs, notes: [...loose.notes, ...edited.notes, ...notes] };
}

/** Made when packages are configured, and changed by hand where there are other people. */
const accounts: ReadonlySet<string> = new Set([
  '/etc/passwd',
  '/etc/group',
  '/etc/subuid',
  '/etc/subgid',
  '/etc/shells',
]);

/** Whether only its mode or its owner is another. */
function isMode(path: string, { before, after }: Changes): boolean {
  const [was, is] = [before.get(path), after.get(path)];
  return was !== undefined && was.type === is?.type && was.sha256 === is.sha256 && was.target === is.target;
}

function isOpen(path: string, { after }: Changes, include: readonly string[]): boolean {
  const entry = after.get(path);
  return entry?.type !== 'file' || becausePrivate(path, entry.mode, include) === undefined;
}

/** A folder that came along with a package, or is there for something that is said anyway. */
function isFolderOfOthers(path: string, { before, after }: Changes, owned: ReadonlySet<string>): boolean {
  const [was, is] = [before.get(path), after.get(path)];
  if (is?.type !== 'directory') return false;
  if (was !== undefined) return false;
  if (is.mode !== 0o755 || is.uid !== 0 || is.gid !== 0) return false;
  const below = `${path}/`;
  for (const other of after.keys())
    if (other.startsWith(below) && (owned.has(other) || !before.has(other))) return true;
  return false;
}

function withEdited(lock: RunLock, directory: string, edited: readonly FileLock[]): RunLock {
  if (edited.length === 0) return lock;
  const fresh = new Map(edited.map((file) => [relativeTo(file.path, directory), file]));
  const swap = (files: readonly FileLock[] | undefined) =>
    files?.map((file) => {
      const now = fresh.get(file.path);
      return now === undefined ? file : { ...now, path: file.path };
    });
  const isOurs = [...(lock.inputs ?? []), ...(lock.before ?? [])].some(({ path }) => fresh.has(path));
  if (!isOurs) return lock;
  const [inputs, before] = [swap(lock.inputs), swap(lock.before)];
  return { ...lock, ...(inputs === undefined ? {} : { inputs }), ...(before === undefined ? {} : { before }) };
}

function lockOf(spec: Spec, index: number): RunLock | undefined {
  const run = spec.runs?.[index];
  return run === undefined ? undefined : spec.lock?.runs?.[runId(run, index)];
}
