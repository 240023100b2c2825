import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { byBytes } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { formatSection, lastValue, type GitConfig } from '../config.ts';
import type { GitPlace } from '../git.ts';
import { readRefs, type Ref } from '../refs.ts';
import type { WorkTree } from '../worktree.ts';

/** What of a repository's configuration changes which bytes a work tree has, and starts no program. */
const carried = ['core.autocrlf', 'core.eol', 'core.filemode', 'core.symlinks', 'core.ignorecase'];

export interface Scratch extends GitPlace {
  /** The refs that the repository has. */
  readonly refs: readonly Ref[];
  /** Commits at which its history ends. */
  readonly shallow: readonly string[];
  /** The folder of its objects on this machine. */
  readonly objects: string;
}

/**
 * A git dir of ours in `folder` that borrows a repository's objects and has copies of its index, HEAD and refs: git can
 * be asked about that work tree, while its configuration, hooks and filters are in force nowhere and nothing of it is
 * written. No directory has to be declared safe for that either.
 */
export async function borrowRepository(root: Root, tree: WorkTree, folder: string): Promise<Scratch> {
  const onHost = (path: string) => (root.directory === '/' ? path : posix.join(root.directory ?? '/', path));
  const refs = await readRefs(root, tree.commonDir);
  const shallow = await readShallow(root, tree.commonDir);
  const objects = onHost(posix.join(tree.commonDir, 'objects'));
  await makeGitDir(folder, {
    head: `${tree.head.commit}\n`,
    config: coreSection(tree.config, tree.algorithm),
    refs: refs.filter(({ name }) => /^refs\/(?:remotes|tags)\//.test(name)),
    shallow,
    objects,
  });
  await copyIndex(root, tree, folder);
  return { gitDir: folder, workTree: onHost(tree.top), refs, shallow, objects };
}

/** Writes a git dir as git itself would lay it out; `objects` is a folder whose objects it borrows. */
export async function makeGitDir(
  folder: string,
  parts: {
    readonly head: string;
    readonly config: string;
    readonly refs: readonly Ref[];
    readonly shallow: readonly string[];
    readonly objects?: string;
  },
): Promise<void> {
  await mkdir(join(folder, 'objects', 'info'), { recursive: true });
  await mkdir(join(folder, 'objects', 'pack'), { recursive: true });
  await mkdir(join(folder, 'refs', 'heads'), { recursive: true });
  await mkdir(join(folder, 'refs', 'tags'), { recursive: true });
  await writeFile(join(folder, 'HEAD'), parts.head);
  await writeFile(join(folder, 'config'), parts.config);
  await writeFile(join(folder, 'packed-refs'), formatRefs(parts.refs));
  if (parts.shallow.length > 0) await writeFile(join(folder, 'shallow'), parts.shallow.map((id) => `${id}\n`).join(''));
  if (parts.objects === undefined) return;
  const quoted = `"${parts.objects.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
  await writeFile(join(folder, 'objects', 'info', 'alternates'), `${quoted}\n`);
}

/** The `[core]` section (and `[extensions]`) of a git dir of ours. */
export function coreSection(config: GitConfig, algorithm: 'sha1' | 'sha256'): string {
  const values: Record<string, string> = {
    repositoryformatversion: algorithm === 'sha1' ? '0' : '1',
    filemode: 'true',
    bare: 'false',
    logallrefupdates: 'true',
  };
  for (const key of carried) {
    const value = lastValue(config, key)?.toLowerCase();
    if (value !== undefined && /^(?:true|false|input|lf|crlf|native)$/.test(value)) values[key.slice(5)] = value;
  }
  const core = formatSection('core', undefined, values);
  return algorithm === 'sha1' ? core : core + formatSection('extensions', undefined, { objectformat: 'sha256' });
}

/** A packed-refs file. It says nothing of tags' targets: git looks them up. */
export function formatRefs(refs: readonly Ref[]): string {
  const sorted = [...refs].sort((a, b) => byBytes(a.name, b.name)); // git looks names up by halving
  return `# pack-refs with: sorted \n${sorted.map(({ name, id }) => `${id} ${name}\n`).join('')}`;
}

async function readShallow(root: Root, commonDir: string): Promise<readonly string[]> {
  const text = await root.readFile(posix.join(commonDir, 'shallow'), 1 << 24).catch(() => undefined);
  const lines = text?.toString('utf8').split('\n') ?? [];
  return lines.filter((line) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(line)).sort();
}

/**
 * The copy is dated before the original: git takes an entry that is not older than its index for one that may have
 * changed since ("racy git"), and looks at the file.
 */
async function copyIndex(root: Root, tree: WorkTree, folder: string): Promise<void> {
  const names = await root.readdir(tree.gitDir).catch(() => []);
  for (const { name } of names) {
    if (name !== 'index' && !/^sharedindex\.[0-9a-f]+$/.test(name)) continue;
    const path = posix.join(tree.gitDir, name);
    const [stat] = await root.lstat([path]);
    const target = join(folder, name);
    await writeFile(target, await root.readFile(path, 2 ** 31 - 1));
    const seconds = Math.floor((stat?.mtimeMs ?? 0) / 1000);
    await utimes(target, seconds, seconds);
  }
}
