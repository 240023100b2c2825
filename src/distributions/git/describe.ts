import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';

import { byBytes, UserError, type Note } from '../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../contract/index.ts';
import { formatTree, hashTree, surveyTree } from '../../toolkits/trees/entries.ts';
import { packTree } from '../../toolkits/trees/pack.ts';
import type { WorkTree } from '../../toolkits/vcs/worktree.ts';
import { captureTree, type Captured } from './capture.ts';
import { brokenTrees, treeAt } from './claim.ts';
import type { GitLock, GitSpec, GitSubmodule } from './spec.ts';
import { remotesOf, stateOf, submoduleNames } from './state.ts';

type One = Description<GitSpec, GitLock>['distributions'][number] & { readonly notes: readonly Note[] };

/** Projects that were described for one trace: what is in them does not depend on which of their files were used. */
const describedOf = new WeakMap<
  Root,
  { readonly context: TraceContext; readonly projects: Map<string, Promise<One>> }
>();

/** Each project whose files were used: whole, at its commit, with what only this machine has of it. */
export async function describe(
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<GitSpec, GitLock>> {
  const projects = new Set<string>();
  for (const owners of owned.values()) for (const { key } of owners) projects.add(key);
  const last = describedOf.get(root);
  const held = last?.context === context ? last.projects : new Map<string, Promise<One>>();
  describedOf.set(root, { context, projects: held });
  const distributions: One[] = [];
  for (const project of [...projects].sort(byBytes)) {
    let one = held.get(project);
    if (one === undefined) held.set(project, (one = describeProject(root, project, context)));
    distributions.push(await one);
  }
  const broken = [...brokenTrees(root)].map(([path, because]): Note => ({
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

async function describeProject(root: Root, top: string, context: TraceContext): Promise<One> {
  const parts = await partsOf(root, top, '');
  const notes: Note[] = [];
  const captured: (Captured & { readonly part: Part })[] = [];
  for (const part of parts) captured.push({ part, ...(await capture(root, part.tree, context)) });
  const failed = captured.some((one) => one.failed === true);
  const files = await listFiles(root, top, parts, failed, context, notes);
  const states = captured.map(({ part, having, changes }) => ({
    part,
    ...stateOf(part.tree, remotesOf(part.tree), having, changes),
  }));
  const submodules = states.flatMap(({ part, ...state }): GitSubmodule[] =>
    part.path === '' ? [] : [{ path: part.path, ...state }],
  );
  const contents = captured.flatMap(({ part, content }) =>
    part.path === '' ? [] : [{ path: part.path, ...(part.name === undefined ? {} : { name: part.name }), ...content }],
  );
  const { part: _, ...state } = states[0] as (typeof states)[number];
  return {
    spec: { type: 'git', path: top, ...state, ...(submodules.length === 0 ? {} : { submodules }) },
    lock: { ...files, ...captured[0]?.content, ...(contents.length === 0 ? {} : { submodules: contents }) },
    instance: top,
    summary: '1 git work tree',
    notes: [...notes, ...captured.flatMap(({ notes }) => notes)],
  };
}

async function partsOf(root: Root, top: string, path: string): Promise<Part[]> {
  const at = posix.join(top, path);
  const tree = await treeAt(root, at);
  if (tree === undefined) return [];
  const names = await submoduleNames(root, at);
  const parts: Part[] = [{ path, tree }];
  for (const { path: inner, mode } of tree.index) {
    if (mode !== 0o160000) continue;
    const [dotGit] = await root.lstat([posix.join(at, inner, '.git')]);
    if (dotGit === undefined) continue; // not checked out
    const found = await partsOf(root, top, path === '' ? inner : `${path}/${inner}`);
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
  notes: Note[],
): Promise<Pick<GitLock, 'tree' | 'archive' | 'files' | 'size'>> {
  const paths = parts.flatMap(({ path, tree }) => tree.index.map((entry) => posix.join(top, path, entry.path)));
  const survey = await surveyTree(root, top, paths);
  const packed = packs && keep ? await packTree(root, top, survey.entries, store) : undefined;
  const hashed = packed ?? (await hashTree(root, top, survey.entries));
  notes.push(...survey.notes, ...hashed.notes);
  const files = hashed.entries.filter(({ type }) => type !== 'directory');
  return {
    ...(keep ? { tree: await store.add(formatTree(hashed.entries)) } : {}),
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
