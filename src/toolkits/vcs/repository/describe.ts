import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';

import { byBytes, UserError, type Note } from '../../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../../contract/index.ts';
import { formatTree, hashTree, surveyTree } from '../../trees/entries.ts';
import { packTree } from '../../trees/pack.ts';
import { datasetId, type RepositoryKind } from '../kind.ts';
import type { WorkTree } from '../worktree.ts';
import { describeAnnex, type UsedAnnex } from './annexed.ts';
import { captureTree, type Captured } from './capture.ts';
import { brokenTrees, kindAt, treeAt } from './claim.ts';
import type { GitLock, GitSpec, GitSubmodule } from './spec.ts';
import { remotesOf, stateOf, submoduleNames } from './state.ts';

type One = Description<GitSpec, GitLock>['distributions'][number] & { readonly notes: readonly Note[] };

/** Projects that were described for one trace; which of their files were used counts for what git-annex has only. */
const describedOf = new WeakMap<
  Root,
  { readonly context: TraceContext; readonly projects: Map<string, Promise<One>> }
>();

/** Each project whose files were used: whole, at its commit, with what only this machine has of it. */
export async function describe(
  kind: RepositoryKind,
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<GitSpec, GitLock>> {
  const projects = new Map<string, string[]>();
  for (const [path, owners] of owned) {
    for (const { key } of owners) {
      const used = projects.get(key) ?? [];
      used.push(path);
      projects.set(key, used);
    }
  }
  const last = describedOf.get(root);
  const held = last?.context === context ? last.projects : new Map<string, Promise<One>>();
  describedOf.set(root, { context, projects: held });
  const distributions: One[] = [];
  for (const [project, used] of [...projects].sort(([a], [b]) => byBytes(a, b))) {
    const key = kind === 'git' ? project : [project, ...used.sort(byBytes)].join('\0');
    let one = held.get(key);
    if (one === undefined) held.set(key, (one = describeProject(kind, root, project, used, context)));
    distributions.push(await one);
  }
  const broken = [...brokenTrees(root, kind)].map(([path, because]): Note => ({
    kind: 'unreadable',
    path,
    text: `the .git in ${path} is not recorded: ${because}; files there count as owned by nobody`,
  }));
  return {
    distributions: distributions.map(({ spec, lock, instance, summary }) => ({
      spec,
      lock,
      summary,
      ...(instance === undefined ? {} : { instance }),
    })),
    notes: [...broken.sort((a, b) => byBytes(a.text, b.text)), ...distributions.flatMap(({ notes }) => notes)],
  };
}

/** A work tree of a project: its own, or a submodule's, by its path in the project (`''` for its own). */
interface Part {
  readonly path: string;
  readonly name?: string;
  readonly tree: WorkTree;
}

async function describeProject(
  kind: RepositoryKind,
  root: Root,
  top: string,
  used: readonly string[],
  context: TraceContext,
): Promise<One> {
  const parts = await partsOf(root, top, '', kind === 'git');
  const notes: Note[] = [];
  const captured: (Captured & { readonly part: Part })[] = [];
  for (const part of parts) captured.push({ part, ...(await capture(root, part.tree, context)) });
  const failed = captured.some((one) => one.failed === true);
  const [own] = captured;
  const annexed =
    kind === 'git' || own === undefined ? undefined : await describeAnnex(root, own.part.tree, own, used, context);
  const files = await listFiles(root, top, parts, failed, context, annexed, notes);
  const states = captured.map(({ part, having, changes, content }) => ({
    part,
    ...stateOf(part.tree, remotesOf(part.tree), having, changes, content.upstream),
  }));
  const submodules = states.flatMap(({ part, ...state }): GitSubmodule[] =>
    part.path === '' ? [] : [{ path: part.path, ...state }],
  );
  const contents = captured.flatMap(({ part, content }) =>
    part.path === '' ? [] : [{ path: part.path, ...(part.name === undefined ? {} : { name: part.name }), ...content }],
  );
  const { part: _, ...state } = states[0] as (typeof states)[number];
  const dataset = kind === 'datalad' && own !== undefined ? await datasetId(root, own.part.tree) : undefined;
  return {
    spec: {
      type: kind,
      path: top,
      ...(dataset === undefined ? {} : { dataset }),
      ...state,
      ...(submodules.length === 0 ? {} : { submodules }),
      ...annexed?.spec,
    },
    lock: { ...files, ...own?.content, ...annexed?.lock, ...(contents.length === 0 ? {} : { submodules: contents }) },
    instance: top,
    summary: summaries[kind],
    notes: [
      ...notes,
      ...captured.flatMap(({ notes }) => notes),
      ...(own === undefined ? [] : linkedNote(own.part.tree)),
      ...(annexed?.notes ?? []),
    ],
  };
}

/** A linked work tree (git-worktree(1)) has its objects and its branches elsewhere. */
function linkedNote({ top, gitDir, commonDir }: WorkTree): Note[] {
  if (gitDir === commonDir) return [];
  const repository = posix.basename(commonDir) === '.git' ? posix.dirname(commonDir) : commonDir;
  const text = `${top} is a linked work tree of the repository in ${repository}: it comes back as a repository of its own, with the same commit, branch and files`;
  return [{ kind: 'partial', path: top, text }];
}

const summaries: Readonly<Record<RepositoryKind, string>> = {
  git: '1 git work tree',
  annex: '1 git-annex repository',
  datalad: '1 DataLad dataset',
};

/** With the submodules that are plain git; of datasets and repositories of git-annex, each is a project. */
async function partsOf(root: Root, top: string, path: string, submodules: boolean): Promise<Part[]> {
  const at = posix.join(top, path);
  const tree = await treeAt(root, at);
  if (tree === undefined) return [];
  const names = await submoduleNames(root, at);
  const parts: Part[] = [{ path, tree }];
  if (!submodules) return parts;
  for (const { path: inner, mode } of tree.index) {
    if (mode !== 0o160000) continue;
    const [dotGit] = await root.lstat([posix.join(at, inner, '.git')]);
    if (dotGit === undefined) continue; // not checked out
    if ((await kindAt(root, posix.join(at, inner))) !== 'git') continue;
    const found = await partsOf(root, top, path === '' ? inner : `${path}/${inner}`, true);
    const name = names.get(inner);
    parts.push(...found.map((part, index) => (index === 0 && name !== undefined ? { ...part, name } : part)));
  }
  return parts;
}

async function listFiles(
  root: Root,
  top: string,
  parts: readonly Part[],
  packs: boolean,
  { keep, store }: TraceContext,
  annexed: UsedAnnex | undefined,
  notes: Note[],
): Promise<Pick<GitLock, 'tree' | 'archive' | 'files' | 'size'>> {
  const paths = parts.flatMap(({ path, tree }) => tree.index.map((entry) => posix.join(top, path, entry.path)));
  const survey = await surveyTree(root, top, [...paths, ...(annexed?.paths ?? [])]);
  // content that was not used does not come back: its pointer does
  const unused = survey.entries.filter(({ path }) => annexed?.unused.has(path) === true);
  const here = survey.entries.filter(
    ({ path, type }) => annexed?.unused.has(path) !== true && !(path === '.git' && type === 'link'),
  );
  const packed = packs && keep ? await packTree(root, top, here, store) : undefined;
  const hashed = packed ?? (await hashTree(root, top, here));
  notes.push(...survey.notes, ...hashed.notes);
  const pointers = unused.map((entry) => ({ ...entry, ...annexed?.unused.get(entry.path) }));
  const entries = [...hashed.entries, ...pointers].sort((a, b) => byBytes(a.path, b.path));
  const files = entries.filter(({ type }) => type !== 'directory');
  return {
    ...(keep ? { tree: await store.add(formatTree(entries)) } : {}),
    ...(packed === undefined ? {} : { archive: packed.archive }),
    files: files.length,
    size: files.reduce((sum, file) => sum + (file.size ?? 0), 0),
  };
}

/** What can't be asked of git is said; the commit and the list of files stand all the same. */
async function capture(root: Root, tree: WorkTree, context: TraceContext): Promise<Captured> {
  const nothing = (because: string): Captured => ({
    content: {},
    having: new Set(),
    pointers: new Map(),
    filled: new Set(),
    changes: 0,
    failed: true,
    notes: [
      {
        kind: 'partial',
        path: tree.top,
        text: `${tree.top}: its files are kept as they are, without the repository: ${because}`,
      },
    ],
  });
  if (root.directory === undefined) return nothing(`git can not be asked in ${root.label}`);
  if (!tree.top.isWellFormed() || !tree.commonDir.isWellFormed()) return nothing('its path is not UTF-8');
  const folder = await mkdtemp(join(tmpdir(), 'repronim-git-'));
  try {
    return await captureTree(root, tree, context, folder);
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof UserError) return nothing(error.message);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
