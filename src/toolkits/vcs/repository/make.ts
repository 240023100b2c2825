import { lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { posix } from 'node:path';

import { ancestors, sha256, UserError } from '../../../model/index.ts';
import type { CreateContext, Missing, Root } from '../../../contract/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { decodeName, encodeName, nameBytes } from '../../../roots/names.ts';
import { formatSection } from '../config.ts';
import { runGit, type GitPlace } from '../git.ts';
import { isRefName, type Ref } from '../refs.ts';
import { readWorkTree } from '../worktree.ts';
import type { TreeEntry } from '../../trees/entries.ts';
import { getObjects } from './objects.ts';
import { placeContents } from './place.ts';
import { coreSection, makeGitDir } from './scratch.ts';
import { branchOf, followedBranch, remotesIn } from './state.ts';
import { readStored } from './stored.ts';
import type { Wish } from './wish.ts';

/** Nobody's work tree is larger than this, whatever its spec says. */
const largest = 256 * 1024 ** 3;

/**
 * Makes one work tree below `folder`. Returns where its objects came from, or where they were looked for in vain.
 * What it writes depends on the wish alone: stat data stay out of the index, so that its bytes are the same each time.
 */
export async function makeWorkTree(
  project: string,
  wish: Wish,
  folder: string,
  tree: readonly TreeEntry[] | undefined,
  context: CreateContext,
): Promise<string | Missing> {
  const workTree = posix.join(folder, wish.path);
  const gitDir = posix.join(workTree, '.git');
  await mustBeInside(folder, wish.path);
  await mkdir(workTree, { recursive: true });
  const refs = await readKeptRefs(wish, context);
  // no refs before the objects are all there: git would take what they lead to for complete, and not fetch it
  await makeGitDir(gitDir, {
    head: 'ref: refs/heads/none\n',
    config: configOf(project, wish),
    refs: [],
    shallow: wish.content.shallow ?? [],
  });
  const place: GitPlace = { gitDir, workTree };
  const origin = await getObjects(posix.join(project, wish.path), wish, refs, place, context);
  if (typeof origin === 'string') {
    await checkOut(wish, place, tree, context);
    await placeContents(wish, place, context);
  }
  return origin;
}

/** A submodule's path that leads through a link of the project would be made wherever that points. */
async function mustBeInside(folder: string, path: string): Promise<void> {
  for (let at = path; at !== '' && at !== '.'; at = posix.dirname(at)) {
    const stat = await lstat(encodeName(posix.join(folder, at))).catch(() => undefined);
    if (stat !== undefined && !stat.isDirectory())
      throw new UserError(`git: ${path} lies behind a link or a file; refused`);
  }
}

async function checkOut(wish: Wish, place: GitPlace, tree: readonly TreeEntry[] | undefined, context: CreateContext) {
  const { signal } = context;
  const run = async (args: readonly string[], input?: Buffer) =>
    await runGit(args, place, { signal, ...(input === undefined ? {} : { input }) });
  await refuseBomb(wish, place, signal);
  await run(['read-tree', wish.commit]);
  const { staged, patch, announced, sparse } = wish.content;
  const form = ['--binary', '--whitespace=nowarn', '-'];
  if (staged !== undefined) await run(['apply', '--cached', ...form], await readStored(staged, context));
  await run(['checkout-index', '--all', '--force', '--quiet']);
  if (patch !== undefined) await run(['apply', ...form], await readStored(patch, context));
  // not by `apply --intent-to-add`: git 2.39 then forgets what else the index has
  if (announced !== undefined) await run(addAnnounced, zeroed(announced));
  if (sparse === true && tree !== undefined) await thinOut(wish, place, tree, signal);
}

/** A small pack can hold huge files; the sizes are known before anything is written. */
async function refuseBomb(wish: Wish, place: GitPlace, signal: AbortSignal): Promise<void> {
  const { stdout } = await runGit(['ls-tree', '-r', '-l', '-z', wish.commit], place, { signal, limit: 1024 ** 3 });
  let size = 0;
  for (const [, digits] of stdout.toString('latin1').matchAll(/(?:^|\0)\d{6} blob [0-9a-f]+ +(\d+)\t/g))
    size += Number(digits);
  if (size > largest) throw new UserError(`the files of commit ${wish.commit} would take ${size} bytes; refused`);
}

/** Takes out again what had not been checked out, and tells the index so. */
async function thinOut(wish: Wish, place: GitPlace, tree: readonly TreeEntry[], signal: AbortSignal): Promise<void> {
  const prefix = wish.path === '' ? '' : `${wish.path}/`;
  const wanted = new Set(tree.map(({ path }) => path));
  const root = localRoot(place.workTree);
  const made = await readWorkTree(root, '/');
  if ('because' in made) return;
  const candidates = made.index.filter(({ path, mode }) => mode !== 0o160000 && !wanted.has(prefix + path));
  const there = await root.lstat(candidates.map(({ path }) => `/${path}`));
  const skipped = candidates.filter((_, index) => there[index] !== undefined).map(({ path }) => path);
  for (const path of skipped) {
    // nothing is followed out of the work tree
    const [folder] = await root.realpath([posix.dirname(`/${path}`)]);
    if (folder !== undefined)
      await rm(encodeName(posix.join(place.workTree ?? '', folder, posix.basename(path))), { force: true });
  }
  await runGit(['update-index', '--skip-worktree', '-z', '--stdin'], place, { input: zeroed(skipped), signal });
  await removeEmpty(place.workTree ?? '', skipped, root);
}

/** Folders that hold nothing now were not there either. */
async function removeEmpty(top: string, paths: readonly string[], root: Root): Promise<void> {
  const folders = new Set(paths.flatMap((path) => ancestors(`/${path}`)));
  folders.delete('/');
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    const [real] = await root.realpath([folder]);
    if (real === folder) await rmdir(encodeName(`${top}${folder}`)).catch(() => {}); // it holds something
  }
}

/** A clone is another repository to git-annex, and the same one each time that it is made. */
function ownUuid(project: string, { commit }: Wish): string {
  const hex = sha256(`repronim\0${project}\0${commit}`);
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

const addAnnounced = [
  '--literal-pathspecs',
  'add',
  '--intent-to-add',
  '--force',
  '--pathspec-from-file=-',
  '--pathspec-file-nul',
];

function zeroed(paths: readonly string[]): Buffer {
  return Buffer.concat(paths.flatMap((path) => [nameBytes(path), Buffer.of(0)]));
}

/** Only names that are remotes', tags' or git-annex's own, only ids: it may come from a stranger. */
async function readKeptRefs(wish: Wish, context: CreateContext): Promise<readonly Ref[]> {
  if (wish.content.refs === undefined) return [];
  const text = decodeName(await readStored(wish.content.refs, context));
  return text.split('\n').flatMap((line): Ref[] => {
    const [, id, name] =
      /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/(?:(?:remotes|tags)\/.+|heads\/git-annex))$/.exec(line) ?? [];
    return id === undefined || name === undefined || !isRefName(name) ? [] : [{ id, name }];
  });
}

function configOf(project: string, wish: Wish): string {
  const remotes = Object.entries(remotesIn(wish.state));
  const { upstream, algorithm } = wish.content;
  const branch = branchOf(wish.state, upstream);
  const followed = followedBranch(wish.state, upstream);
  return [
    coreSection(new Map(), algorithm ?? 'sha1'),
    ...remotes.map(([name, url]) =>
      formatSection('remote', name, {
        url,
        fetch: `+refs/heads/*:refs/remotes/${name}/*`,
        ...(wish.annex?.uuids[name] === undefined ? {} : { 'annex-uuid': wish.annex.uuids[name] }),
      }),
    ),
    ...(wish.annex === undefined
      ? []
      : [formatSection('annex', undefined, { uuid: ownUuid(project, wish), version: String(wish.annex.version) })]),
    ...(branch === undefined || followed === undefined
      ? []
      : [
          formatSection('branch', branch, {
            remote: followed.remote,
            merge: `refs/heads/${followed.branch}`,
          }),
        ]),
    ...wish.submodules.map(({ name, remote }) =>
      formatSection('submodule', name, { active: 'true', ...(remote === undefined ? {} : { url: remote }) }),
    ),
  ].join('');
}
