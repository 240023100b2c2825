import { open, readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { isSecretPath, type ContentRef, type Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import { decodeName, nameBytes } from '../../../roots/names.ts';
import { runGit, type GitPlace } from '../git.ts';
import type { Ref } from '../refs.ts';
import { readObjects } from '../read-objects.ts';
import type { WorkTree } from '../worktree.ts';
import { filtersOf } from './filters.ts';
import { keepLarge } from './large.ts';
import { noteUntracked } from './untracked.ts';
import { findPointers, isContentOf, type PointerFile } from './pointers.ts';
import { borrowRepository, formatRefs, type Scratch } from './scratch.ts';
import { remotesOf, upstreamOf } from './state.ts';
import type { GitContent } from './spec.ts';

/** Histories up to this size are in every bundle although a remote has them: remotes go away. */
export const smallHistory = 16 * 1024 * 1024;
/** Histories up to this size are stored, so that a complete bundle can have them. */
const largestHistory = 512 * 1024 * 1024;
/** Patches up to this size are kept. */
const largestPatch = 512 * 1024 * 1024;

export interface Captured {
  readonly content: GitContent;
  /** Names of the remotes that have the commit, as far as this machine knows. */
  readonly having: ReadonlySet<string>;
  readonly changes: number;
  readonly notes: readonly Note[];
  /** Files for which git has pointers, by path, and those of them that hold the content. */
  readonly pointers: ReadonlyMap<string, PointerFile>;
  readonly filled: ReadonlySet<string>;
  /** Git could not be asked: what is in the content is not enough. */
  readonly failed?: true;
}

/**
 * What only this machine has of a work tree, stored: commits, staged and unstaged changes. The repository is not
 * touched, and nothing in it is executed.
 */
export async function captureTree(
  root: Root,
  tree: WorkTree,
  context: TraceContext,
  folder: string,
): Promise<Captured> {
  const scratch = await borrowRepository(root, tree, folder);
  const { signal } = context;
  const notes: Note[] = [];
  using reader = await readObjects(root, tree.commonDir, tree.algorithm);
  const pointers = await findPointers(root, tree, scratch, reader, signal);
  const patches = await capturePatches(root, scratch, tree, pointers, context, notes);
  const large = await keepLarge(root, tree, pointers, patches.filled, context);
  notes.push(...large.notes, ...(await noteUntracked(root, tree, scratch, context.ran, signal)));
  const known = scratch.refs.filter(({ name }) => /^refs\/(?:remotes|tags)\//.test(name));
  // a process each, where there is anything to ask about
  const among = async (folder: string, how: string) =>
    known.some(({ name }) => name.startsWith(`${folder}/`))
      ? await forEachRef(scratch, [how, tree.head.commit, folder], signal)
      : [];
  const containing = await among('refs/remotes', '--contains');
  const merged = await among('refs/tags', '--merged');
  const remotes = remotesOf(tree);
  const having = new Set(
    remotes.filter(({ name }) => containing.some((ref) => isOf(ref, name))).map(({ name }) => name),
  );
  const announced = tree.index.filter((entry) => entry.announced).map(({ path }) => path);
  const upstream = known.find(({ name }) => name === upstreamOf(tree));
  const annex = scratch.refs.filter(({ name }) => /^refs\/(?:heads|remotes\/.+)\/git-annex$/.test(name));
  const refs = unique([...merged, ...(upstream === undefined ? [] : [upstream]), ...annex]);
  const tips = known.filter((ref) => remotes.some(({ name, fetchable }) => fetchable && isOf(ref, name)));
  const packs = await capturePacks(scratch, tree, { refs, tips }, context, notes);
  return {
    having,
    notes,
    pointers,
    filled: patches.filled,
    changes: patches.changes,
    content: {
      ...(upstream === undefined ? {} : { upstream: upstream.name }),
      ...(refs.length === 0 || !context.keep ? {} : { refs: await context.store.add(Buffer.from(formatRefs(refs))) }),
      ...packs,
      ...patches.kept,
      ...(large.files.length === 0 ? {} : { large: large.files }),
      ...filtersOf(tree),
      ...(announced.length === 0 ? {} : { announced }),
      ...(scratch.shallow.length === 0 ? {} : { shallow: scratch.shallow }),
      ...(tree.index.some(({ skipped, mode }) => skipped || mode === 0o040000) ? { sparse: true } : {}),
      ...(tree.algorithm === 'sha256' ? { algorithm: 'sha256' as const } : {}),
    },
  };
}

async function capturePatches(
  root: Root,
  scratch: Scratch,
  tree: WorkTree,
  pointers: ReadonlyMap<string, PointerFile>,
  { store, keep, signal }: TraceContext,
  notes: Note[],
): Promise<{
  readonly changes: number;
  readonly kept: Pick<GitContent, 'staged' | 'patch'>;
  readonly filled: ReadonlySet<string>;
}> {
  const run = async (args: readonly string[], input?: Buffer) =>
    (await runGit(args, scratch, { signal, limit: largestPatch, ...(input === undefined ? {} : { input }) })).stdout;
  const assumed = tree.index.filter((entry) => entry.assumed).map(({ path }) => path);
  if (assumed.length > 0) await run(['update-index', '--no-assume-unchanged', '-z', '--stdin'], zeroed(assumed));
  if (tree.index.some(({ stage }) => stage > 0)) await settleConflict(run, tree, notes);
  // status 1 says that something needs an update, which is what we ask about
  await runGit(['update-index', '-q', '--refresh'], scratch, { signal, accept: [0, 1] });

  const inIndex = ['diff-index', '--cached', '--ita-invisible-in-index', tree.head.commit];
  const inFiles = ['diff-files', '--ignore-submodules=all'];
  const staged = names(await run([...inIndex, '--name-only', '--no-renames', '-z']));
  const seen = names(await run([...inFiles, '--name-only', '-z']));
  const filled = await findFilled(root, tree, pointers, new Set(seen));
  const changed = seen.filter((path) => !filled.has(path));
  const changes = new Set([...staged, ...changed]).size;
  if (changes === 0 || !keep) return { changes, kept: {}, filled };
  const expected = seen.filter((path) => filled.has(path));
  if (expected.length > 0) await run(['update-index', '--assume-unchanged', '-z', '--stdin'], zeroed(expected));
  const asPatch = async (args: readonly string[], paths: readonly string[]): Promise<ContentRef | undefined> => {
    const secret = paths.filter(isSecretPath);
    for (const path of secret) notes.push(secretNote(posix.join(tree.top, path)));
    if (secret.length === paths.length) return undefined;
    const limits = secret.length === 0 ? [] : ['--', '.', ...secret.map((path) => `:(exclude,literal)${path}`)];
    const form = ['-p', '--binary', '--full-index', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color'];
    return await store.add(await run([...args, ...form, ...limits]));
  };
  const kept = { staged: await asPatch(inIndex, staged), patch: await asPatch(inFiles, changed) };
  return { changes, filled, kept: Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) };
}

/** Of the files that git has pointers for, those that hold what the pointer stands for: that is no change. */
async function findFilled(
  root: Root,
  tree: WorkTree,
  pointers: ReadonlyMap<string, PointerFile>,
  seen: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const paths = [...pointers.keys()];
  const stats = await root.lstat(paths.map((path) => posix.join(tree.top, path)));
  const filled = new Set<string>();
  for (const [index, path] of paths.entries()) {
    const { pointer, text } = pointers.get(path) as PointerFile;
    const stat = stats[index];
    if (stat?.type !== 'file') continue;
    // what git found unchanged by its dates is as the filter left it: content, or the pointer itself
    const is = seen.has(path)
      ? await isContentOf(root, posix.join(tree.top, path), pointer)
      : stat.size === (pointer.size ?? stat.size) && stat.size !== text.length;
    if (is) filled.add(path);
  }
  return filled;
}

function unique(refs: readonly Ref[]): readonly Ref[] {
  return [...new Map(refs.map((ref) => [ref.name, ref])).values()];
}

/** A merge that stands still has no index that a commit could be compared with: the files' state is what counts. */
async function settleConflict(
  run: (args: readonly string[], input?: Buffer) => Promise<Buffer>,
  tree: WorkTree,
  notes: Note[],
): Promise<void> {
  notes.push({
    kind: 'partial',
    path: tree.top,
    text: `${tree.top} is in the middle of a merge: the files are kept as they are, the conflict is not`,
  });
  await run(['read-tree', tree.head.commit]);
  const added = [...new Set(tree.index.filter(({ mode }) => mode !== 0o160000).map(({ path }) => path))];
  await run(['update-index', '--add', '--remove', '-z', '--stdin'], zeroed(added));
}

/** Either everything that the commit needs, or what no remote has; both where a complete bundle may want it all. */
async function capturePacks(
  scratch: Scratch,
  tree: WorkTree,
  { refs, tips }: { readonly refs: readonly Ref[]; readonly tips: readonly Ref[] },
  { store, keep, signal }: TraceContext,
  notes: Note[],
): Promise<Pick<GitContent, 'pack' | 'unpushed'>> {
  if (!keep) return {};
  const wanted = [tree.head.commit, ...refs.map(({ id }) => id)];
  const make = async (without: readonly Ref[]): Promise<ContentRef | undefined> => {
    const file = await packObjects(scratch, wanted, without, signal);
    return file === undefined ? undefined : await store.addFile(file);
  };
  const about = await objectsSize(scratch.objects);
  if (tips.length > 0 && about > largestHistory) {
    const unpushed = await make(tips);
    return unpushed === undefined ? {} : { unpushed };
  }
  const pack = await make([]).catch((error: unknown) => {
    notes.push({
      kind: 'partial',
      path: tree.top,
      text: `the history of ${tree.top} could not be packed: ${String(error)}`,
    });
    return undefined;
  });
  if (pack === undefined) {
    // a partial clone has not everything, but what it made itself
    const own = tips.length === 0 ? undefined : await make(tips);
    return own === undefined ? {} : { unpushed: own };
  }
  if (tips.length === 0) return { unpushed: pack }; // nobody else has any of it
  if (pack.size <= smallHistory) return { pack };
  const unpushed = await make(tips);
  return { pack, ...(unpushed === undefined ? {} : { unpushed }) };
}

/** Packs what `wanted` needs and `without` does not have into a file; undefined where that is nothing. */
export async function packObjects(
  place: GitPlace,
  wanted: readonly string[],
  without: readonly Ref[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const lines = [...wanted, ...(without.length === 0 ? [] : ['--not', ...without.map(({ id }) => id)])];
  const target = join(place.gitDir, 'made');
  const packed = await runGit(['pack-objects', '--revs', '--delta-base-offset', '-q', target], place, {
    input: `${lines.join('\n')}\n`,
    signal,
    timeoutMs: 1_800_000,
  });
  const file = `${target}-${packed.stdout.toString('latin1').trim()}.pack`;
  const { count } = await readPackHead(file);
  return count === 0 ? undefined : file;
}

async function readPackHead(file: string): Promise<{ readonly count: number }> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(12), 0, 12, 0);
  return { count: buffer.readUInt32BE(8) };
}

async function forEachRef(place: GitPlace, args: readonly string[], signal: AbortSignal): Promise<readonly Ref[]> {
  const { stdout } = await runGit(['for-each-ref', '--format=%(objectname) %(refname)', ...args], place, {
    signal,
    accept: 'any', // refs to objects that are gone are said, and the others listed
  });
  return stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) =>
      line === '' ? [] : [{ id: line.slice(0, line.indexOf(' ')), name: line.slice(line.indexOf(' ') + 1) }],
    );
}

async function objectsSize(objects: string): Promise<number> {
  const folder = join(objects, 'pack');
  const files = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    files.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function isOf(ref: Ref, remote: string): boolean {
  return ref.name.startsWith(`refs/remotes/${remote}/`);
}

function names(output: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(0, at);
    found.push(decodeName(output.subarray(at, end)));
    at = end + 1;
  }
  return found;
}

function zeroed(paths: readonly string[]): Buffer {
  return Buffer.concat(paths.flatMap((path) => [nameBytes(path), Buffer.of(0)]));
}

function secretNote(path: string): Note {
  return { kind: 'left', path, text: `the change of ${path} is not kept: it is a place for secrets` };
}
