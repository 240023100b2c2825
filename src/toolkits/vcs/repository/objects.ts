import { copyFile, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError, type ContentRef } from '../../../model/index.ts';
import type { CreateContext, Missing } from '../../../contract/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { isFetchable } from '../address.ts';
import { runGit, type GitPlace } from '../git.ts';
import type { Ref } from '../refs.ts';
import { readWorkTree } from '../worktree.ts';
import { packObjects } from './capture.ts';
import { formatRefs } from './scratch.ts';
import { branchOf, remotesIn } from './state.ts';
import type { Wish } from './wish.ts';

type Tried = Missing['tried'][number];

/** One place that may have the objects; says what it was, or throws UserError with why not. */
interface Place {
  readonly label: string;
  readonly kind: string;
  get(): Promise<void>;
}

/**
 * Puts the objects of a wish into its git dir: from the stored pack, else from a repository in the same place on this
 * machine (only where the spec is one's own: a stranger's names no path here), else from its remotes, in turn.
 */
export async function getObjects(
  path: string,
  wish: Wish,
  refs: readonly Ref[],
  place: GitPlace,
  context: CreateContext,
): Promise<string | Missing> {
  const { pack, unpushed } = wish.content;
  const tried: Tried[] = [];
  const places: Place[] = [
    { label: 'the store', kind: 'stored', get: () => addStored(pack, place, context) },
    ...(context.trusted
      ? [{ label: path, kind: 'this machine', get: () => borrow(path, wish, refs, place, context) }]
      : []),
    ...addressesOf(wish).map((address) => ({
      label: address,
      kind: 'remote',
      get: () => fetchFrom(address, wish, refs, place, context),
    })),
  ];
  for (const candidate of places) {
    const { label, kind } = candidate;
    try {
      if (kind !== 'stored' || pack === undefined) await addStored(unpushed, place, context);
      await candidate.get();
      await checkConnected(wish, place, context.signal);
      await writeRefs(wish, refs, place, context.signal);
      return kind;
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof UserError) || error.status === 4) throw error;
      tried.push({ label, because: error.message });
    }
  }
  return { what: `commit ${wish.commit} of ${path}`, sha256: pack?.sha256 ?? '', tried };
}

function addressesOf(wish: Wish): string[] {
  const { remote } = wish.state;
  const all = [...(remote === undefined ? [] : [remote]), ...Object.values(remotesIn(wish.state))];
  return [...new Set(all)].filter(isFetchable);
}

/** The pack is named by its own last bytes, as git names packs. */
async function addPack(file: string, place: GitPlace, signal: AbortSignal): Promise<void> {
  const folder = join(place.gitDir, 'objects', 'pack');
  await mkdir(folder, { recursive: true });
  const target = join(folder, `pack-${await packId(file)}.pack`);
  await copyFile(file, target);
  await runGit(['index-pack', target], place, { signal, timeoutMs: 1_800_000 });
}

async function packId(file: string): Promise<string> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const { buffer } = await handle.read(Buffer.alloc(20), 0, 20, Math.max(0, size - 20));
  return buffer.toString('hex');
}

async function addStored(content: ContentRef | undefined, place: GitPlace, context: CreateContext): Promise<void> {
  if (content === undefined) return;
  const file = await context.store.find(content.sha256);
  if (file === undefined) throw new UserError('its history is not in the store');
  await addPack(file, place, context.signal);
}

async function borrow(
  path: string,
  wish: Wish,
  refs: readonly Ref[],
  place: GitPlace,
  context: CreateContext,
): Promise<void> {
  const tree = await readWorkTree(localRoot(), path);
  if ('because' in tree) throw new UserError(tree.because);
  const alternates = join(place.gitDir, 'objects', 'info', 'alternates');
  await writeFile(alternates, `"${join(tree.commonDir, 'objects').replaceAll(/["\\]/g, '\\$&')}"\n`);
  try {
    await checkConnected(wish, place, context.signal);
    await repack(wish, refs, place, context.signal);
  } finally {
    await rm(alternates, { force: true });
  }
}

/** Asks for the commit by its id, which not every server gives; then for all branches and tags. */
async function fetchFrom(
  address: string,
  wish: Wish,
  refs: readonly Ref[],
  place: GitPlace,
  context: CreateContext,
): Promise<void> {
  const fetch = async (refspecs: readonly string[]) =>
    await runGit(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', address, ...refspecs], place, {
      signal: context.signal,
      network: true,
      timeoutMs: 1_800_000,
    });
  const tags =
    refs.filter(({ name }) => name.startsWith('refs/tags/')).length > 0 ? ['+refs/tags/*:refs/fetched/tags/*'] : [];
  const annex = refs.some(({ name }) => name.endsWith('/git-annex'))
    ? ['+refs/heads/git-annex:refs/fetched/heads/git-annex']
    : [];
  const all = ['+refs/heads/*:refs/fetched/heads/*', '+refs/tags/*:refs/fetched/tags/*'];
  const first = wish.content.unpushed === undefined ? [wish.commit, ...tags, ...annex] : all;
  try {
    await fetch(first);
    await checkConnected(wish, place, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof UserError) || first === all) throw error;
    await fetch(all);
    await checkConnected(wish, place, context.signal);
  }
  await repack(wish, refs, place, context.signal);
  await rm(join(place.gitDir, 'refs', 'fetched'), { recursive: true, force: true });
}

/** Leaves exactly the objects that are needed, in one pack. */
async function repack(wish: Wish, refs: readonly Ref[], place: GitPlace, signal: AbortSignal): Promise<void> {
  const whole = await connected(refs, place, signal);
  const made = await packObjects(place, [wish.commit, ...whole.map(({ id }) => id)], [], signal);
  if (made === undefined) throw new UserError('the commit holds nothing');
  const objects = join(place.gitDir, 'objects');
  await rm(objects, { recursive: true, force: true });
  await mkdir(join(objects, 'pack'), { recursive: true });
  const id = await packId(made);
  await rename(made, join(objects, 'pack', `pack-${id}.pack`));
  await rename(made.replace(/pack$/, 'idx'), join(objects, 'pack', `pack-${id}.idx`));
}

async function checkConnected(wish: Wish, place: GitPlace, signal: AbortSignal): Promise<void> {
  await runGit(['rev-list', '--objects', '--quiet', wish.commit], place, { signal });
}

async function connected(refs: readonly Ref[], place: GitPlace, signal: AbortSignal): Promise<readonly Ref[]> {
  if (refs.length === 0) return [];
  const run = async (ids: readonly string[]) =>
    (
      await runGit(['rev-list', '--objects', '--quiet', '--stdin'], place, {
        signal,
        accept: 'any',
        input: `${ids.join('\n')}\n`,
      })
    ).status === 0;
  if (await run(refs.map(({ id }) => id))) return refs;
  const whole: Ref[] = [];
  for (const ref of refs) if (await run([ref.id])) whole.push(ref);
  return whole;
}

/** A ref whose objects nobody has any more would make git complain at every turn. */
async function writeRefs(wish: Wish, refs: readonly Ref[], place: GitPlace, signal: AbortSignal): Promise<void> {
  const whole = await connected(refs, place, signal);
  const branch = branchOf(wish.state, wish.content.upstream);
  await writeFile(
    join(place.gitDir, 'HEAD'),
    branch === undefined ? `${wish.commit}\n` : `ref: refs/heads/${branch}\n`,
  );
  const own = branch === undefined ? [] : [{ name: `refs/heads/${branch}`, id: wish.commit }];
  await writeFile(join(place.gitDir, 'packed-refs'), formatRefs([...own, ...whole]));
}
