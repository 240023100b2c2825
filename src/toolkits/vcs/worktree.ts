import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { lastValue, parseConfig, type GitConfig } from './config.ts';
import { parseIndex, type IndexEntry } from './index-file.ts';
import { readHead, type Head } from './refs.ts';

/** A git work tree as its files say it; nothing of git is run for it. */
export interface WorkTree {
  /** Its folder. */
  readonly top: string;
  /** Where its HEAD and index are. */
  readonly gitDir: string;
  /** Where its objects and refs are: the git dir, but for a linked work tree. */
  readonly commonDir: string;
  readonly config: GitConfig;
  readonly head: Head;
  readonly index: readonly IndexEntry[];
  readonly algorithm: 'sha1' | 'sha256';
}

/** Why a `.git` is no repository that can be recorded, for people. */
export interface NoWorkTree {
  readonly because: string;
}

/** Reads the work tree whose `.git` (folder, or file that points to one) is in `top`. */
export async function readWorkTree(root: Root, top: string): Promise<WorkTree | NoWorkTree> {
  const gitDir = await gitDirOf(root, top);
  if (typeof gitDir !== 'string') return gitDir;
  const commonDir = await commonDirOf(root, gitDir);
  const text = await root.readFile(posix.join(commonDir, 'config'), 1 << 20).catch(() => undefined);
  const config = parseConfig(text?.toString('utf8') ?? '');
  const storage = lastValue(config, 'extensions.refstorage');
  if (storage !== undefined && storage !== 'files') return { because: `its refs are kept as ${storage}` };
  const head = await readHead(root, gitDir, commonDir);
  if (head === undefined) return { because: 'it has no commit' };
  const algorithm = lastValue(config, 'extensions.objectformat') === 'sha256' ? 'sha256' : 'sha1';
  const index = await readIndex(root, gitDir, algorithm === 'sha256' ? 32 : 20);
  if (index === undefined) return { because: 'its index can not be read' };
  return { top, gitDir, commonDir, config, head, index, algorithm };
}

async function gitDirOf(root: Root, top: string): Promise<string | NoWorkTree> {
  const dotGit = posix.join(top, '.git');
  const [stat] = await root.lstat([dotGit]);
  let gitDir = dotGit;
  if (stat?.type === 'file') {
    const text = (await root.readFile(dotGit, 65_536).catch(() => undefined))?.toString('utf8') ?? '';
    const target = /^gitdir: (.+?)\r?\n?$/.exec(text)?.[1];
    if (target === undefined) return { because: 'it is not a git dir' };
    gitDir = posix.resolve(top, target);
  }
  const [real] = await root.realpath([gitDir]);
  if (real === undefined) return { because: 'its git dir is not there' };
  const [head] = await root.lstat([posix.join(real, 'HEAD')]);
  return head === undefined ? { because: 'it has no HEAD' } : real;
}

async function commonDirOf(root: Root, gitDir: string): Promise<string> {
  const text = await root.readFile(posix.join(gitDir, 'commondir'), 65_536).catch(() => undefined);
  if (text === undefined) return gitDir;
  const [real] = await root.realpath([posix.resolve(gitDir, text.toString('utf8').trim())]);
  return real ?? gitDir;
}

async function readIndex(root: Root, gitDir: string, idLength: 20 | 32): Promise<readonly IndexEntry[] | undefined> {
  const bytes = await root.readFile(posix.join(gitDir, 'index'), 2 ** 31 - 1).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const index = parseIndex(bytes, idLength);
  if (index?.shared === undefined) return index?.entries;
  const base = await root
    .readFile(posix.join(gitDir, `sharedindex.${index.shared}`), 2 ** 31 - 1)
    .catch(() => undefined);
  const shared = base === undefined ? undefined : parseIndex(base, idLength);
  return shared === undefined ? undefined : index.merge(shared.entries);
}
