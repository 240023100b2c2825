import {
  ancestors,
  byBytes,
  volatileMatcher,
  volatilePaths,
  type Change,
  type DistributionDifference,
  type Entry,
  type FileLock,
  type Spec,
} from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { readManifest } from '../../roots/manifest.ts';
import type { DiffOptions, Side } from './side.ts';
import { treeEntries } from '../fingerprint/tree.ts';
import { entriesOf } from '../verify/files.ts';
import { diffTexts, fileText } from './runs.ts';
import type { Seen } from './seen.ts';

/** Loose and changed files of a spec against those of another, or loose ones against what a place has there. */
export async function diffLooseFiles(a: Side, b: Side): Promise<readonly Change[]> {
  const [first, second] = [a.spec?.lock?.files ?? [], b.spec?.lock?.files ?? []];
  if (a.root !== undefined) return diffTexts(await lookAt(second, a.root), textsOf(second));
  if (b.root !== undefined) return diffTexts(textsOf(first), await lookAt(first, b.root));
  const [changed, others] = [changedFiles(a.spec), changedFiles(b.spec)];
  const paths = new Set([...changed, ...others].map(({ path }) => path));
  return diffTexts(
    new Map([...packagedTexts(paths, changed), ...textsOf(first)]),
    new Map([...packagedTexts(paths, others), ...textsOf(second)]),
  );
}

type ChangedFile = FileLock & { readonly removed?: boolean };

/** Files of packages that are not as the packages have them, as locks say. */
function changedFiles(spec: Spec | undefined): readonly ChangedFile[] {
  return Object.values(spec?.lock?.distributions ?? {}).flatMap((lock) => {
    const { changed } = lock as { readonly changed?: readonly ChangedFile[] };
    return Array.isArray(changed) ? (changed as readonly ChangedFile[]).filter(({ left }) => left === undefined) : [];
  });
}

/** What is at these paths where only some of them are not as their packages have them. */
function packagedTexts(paths: ReadonlySet<string>, changed: readonly ChangedFile[]): ReadonlyMap<string, string> {
  const texts = new Map([...paths].map((path) => [path, 'as its package has it']));
  for (const file of changed) {
    if (file.removed === true) texts.delete(file.path);
    else texts.set(file.path, fileText(file));
  }
  return texts;
}

/** All files of two places, less volatile ones and those of packages that differ themselves. */
export async function diffTrees(
  a: Side,
  b: Side,
  seen: readonly Seen[],
  distributions: readonly DistributionDifference[],
  options: DiffOptions,
): Promise<readonly Change[]> {
  const [first, second] = [await readTree(a, seen, options), await readTree(b, seen, options)];
  const changes: Change[] = [];
  for (const path of [...new Set([...first.keys(), ...second.keys()])].sort(byBytes)) {
    const [was, is] = [first.get(path), second.get(path)];
    if (was === is) continue;
    changes.push({ subject: path, ...(was === undefined ? {} : { was }), ...(is === undefined ? {} : { is }) });
  }
  const known = await ofChanged(a, b, changes, seen, distributions, options);
  const folders = foldersOf(known);
  const kept = changes.filter(({ subject }) => !known.has(subject));
  const news = foldersOf(kept.map(({ subject }) => subject));
  // a folder that is there on one side only because of such packages is no news either
  return kept.filter(
    ({ subject, was, is }) => (was !== undefined && is !== undefined) || !folders.has(subject) || news.has(subject),
  );
}

function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  return new Set([...paths].flatMap(ancestors));
}

function textsOf(files: readonly FileLock[]): ReadonlyMap<string, string> {
  return new Map(files.filter(({ left }) => left === undefined).map((file) => [file.path, fileText(file)]));
}

async function lookAt(files: readonly FileLock[], root: Root): Promise<ReadonlyMap<string, string>> {
  const wanted = files.filter(({ left }) => left === undefined);
  const entries = await entriesOf(
    wanted.map(({ path }) => path),
    new Map(),
    root,
  );
  const found = new Map<string, string>();
  for (const [index, file] of wanted.entries()) {
    const entry = entries[index];
    if (entry === undefined) continue;
    found.set(
      file.path,
      fileText({
        path: file.path,
        ...(entry.sha256 === undefined ? {} : { sha256: entry.sha256 }),
        ...(entry.target === undefined ? {} : { link: entry.target }),
        ...(entry.type === 'directory' ? { directory: true } : {}),
        ...(file.mode === undefined ? {} : { mode: octal(entry.mode) }),
      }),
    );
  }
  return found;
}

async function readTree(
  { root, manifest }: Side,
  seen: readonly Seen[],
  { context }: DiffOptions,
): Promise<ReadonlyMap<string, string>> {
  const own = seen.flatMap(({ plugin, spec }) => plugin.volatile?.(spec) ?? []);
  const owners = manifest === undefined ? undefined : await readManifest(manifest);
  const tree = new Map<string, string>();
  const entries = treeEntries(root as Root, volatileMatcher([...volatilePaths, ...own]), {
    digests: ['sha256'],
    manifest: owners,
    signal: context.signal,
  });
  for await (const entry of entries) if (entry.type !== 'socket') tree.set(entry.path, entryText(entry));
  return tree;
}

function entryText(entry: Entry): string {
  const content = entry.sha256 ?? (entry.target === undefined ? entry.device?.join(',') : `→ ${entry.target}`);
  const parts = [
    ...(entry.type === 'file' || entry.type === 'link' ? [] : [entry.type]),
    content,
    entry.type === 'link' ? undefined : octal(entry.mode),
    `${entry.uid}:${entry.gid}`,
    entry.capability,
    entry.unreadable === true ? 'unreadable' : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(' ');
}

/** Paths that belong to packages which are not the same in both: that was said already. */
async function ofChanged(
  a: Side,
  b: Side,
  changes: readonly Change[],
  seen: readonly Seen[],
  distributions: readonly DistributionDifference[],
  { context }: DiffOptions,
): Promise<ReadonlySet<string>> {
  const paths = changes.map(({ subject }) => subject);
  const found = new Set<string>();
  for (const plugin of new Set(seen.map((one) => one.plugin))) {
    const changed = new Set(
      distributions
        .filter(({ type }) => type === plugin.type)
        .flatMap(({ packages }) => packages.map(({ subject }) => subject)),
    );
    if (changed.size === 0 || paths.length === 0) continue;
    const names = new Map(
      seen
        .filter((one) => one.plugin === plugin)
        .flatMap(({ packages }) => packages.map(({ key, name }) => [key, name ?? key])),
    );
    for (const root of [a.root, b.root] as readonly Root[]) {
      for (const [path, owners] of await plugin.claim(paths, root, context)) {
        if (owners.some(({ key }) => changed.has(names.get(key) ?? key))) found.add(path);
      }
    }
  }
  return found;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
