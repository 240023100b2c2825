import { posix } from 'node:path';

import { byBytes, deniesOthers, isSecretPath, type Note } from '../../model/index.ts';
import type { Distribution, Ran, Root, TraceContext } from '../../contract/index.ts';
import { keepTree } from '../trees/compose.ts';
import { describeEach, type DescribedOne, type Used } from '../trees/each.ts';
import type { LibraryKind, LibraryPackage } from './kind.ts';
import type { LibraryLock, LibrarySpec } from './spec.ts';

/** Each library with the packages that were used and what these can't do without, kept as they lie. */
export function describeIn(kind: LibraryKind): Distribution<LibrarySpec, LibraryLock>['describe'] {
  return describeEach(async (top, used, root, context) => describeLibrary(kind, root, top, used, context));
}

async function describeLibrary(
  kind: LibraryKind,
  root: Root,
  top: string,
  used: Used,
  context: TraceContext,
): Promise<DescribedOne<LibrarySpec, LibraryLock>> {
  const notes: Note[] = [];
  const { packages, missing } = await closureOf(kind, root, top, used.keys, notes);
  const kept = context.keep ? await keep(root, top, used.paths, packages, context, notes) : { files: 0, size: 0 };
  const standsOn = await interpreterOf(kind, root, context.ran);
  const listed = [...used.keys].flatMap((key) => packages.get(key) ?? []);
  const rows = [...packages].sort(([a], [b]) => byBytes(a, b));
  const names = new Set(listed.map(({ name, version }) => `${name}@${version}`));
  return {
    distribution: {
      spec: { type: kind.type, path: top, ...(names.size === 0 ? {} : { packages: [...names].sort(byBytes) }) },
      lock: {
        packages: rows.map(([path, { name, version, facts }]) => ({ path, name, version, repacked: true, ...facts })),
        ...kept,
      },
      instance: top,
      summary: `1 ${kind.noun} (${rows.length} package${rows.length === 1 ? '' : 's'})`,
      ...(standsOn === undefined ? {} : { standsOn }),
    },
    notes,
    leads: (kind.elsewhere ?? [])
      .filter((other) => other !== top)
      .flatMap((other) => missing.map((name) => posix.join(other, name, 'DESCRIPTION'))),
  };
}

/** The packages with these keys and those that they ask for, by key; and the names that are not in this library. */
async function closureOf(
  kind: LibraryKind,
  root: Root,
  top: string,
  keys: ReadonlySet<string>,
  notes: Note[],
): Promise<{ packages: Map<string, LibraryPackage>; missing: string[] }> {
  const packages = new Map<string, LibraryPackage>();
  const missing = new Set<string>();
  const all = new Set(await kind.list(root, top));
  const byName = new Map<string, string>();
  const take = async (key: string): Promise<readonly string[]> => {
    if (packages.has(key) || !all.has(key)) return [];
    const found = await kind.read(root, top, key);
    if (found === undefined) {
      const path = posix.join(top, kind.told?.(key) ?? key);
      notes.push({ kind: 'unreadable', path, text: `${path} does not say what it is; its used files are kept` });
      return [];
    }
    packages.set(key, found);
    return found.requires ?? [];
  };
  let fresh = [...new Set((await Promise.all([...keys].sort(byBytes).map(take))).flat())];
  const read = fresh.length === 0 ? [] : [...all];
  for (const key of read) {
    const name = packages.get(key)?.name ?? (await kind.read(root, top, key))?.name;
    if (name !== undefined) byName.set(name, key);
  }
  while (fresh.length > 0) {
    const next: string[] = [];
    for (const name of fresh) {
      const key = byName.get(name);
      if (key === undefined) missing.add(name);
      else next.push(...(await take(key)));
    }
    fresh = next;
  }
  return { packages, missing: [...missing].sort(byBytes) };
}

async function keep(
  root: Root,
  top: string,
  used: readonly string[],
  packages: ReadonlyMap<string, LibraryPackage>,
  context: TraceContext,
  notes: Note[],
): Promise<Pick<LibraryLock, 'tree' | 'rest' | 'files' | 'size'>> {
  const paths = new Set(used);
  const below = new Set([...packages.values()].flatMap((one) => one.paths.map((path) => posix.join(top, path))));
  for await (const { path } of root.scan({ below: [...below].sort(byBytes), digests: [], signal: context.signal })) {
    paths.add(path);
  }
  const all = [...paths].sort(byBytes);
  const stats = await root.lstat(all);
  for (const [index, path] of all.entries()) {
    const stat = stats[index];
    const isPrivate = stat?.type === 'file' && deniesOthers(stat.mode);
    if (!isPrivate && !isSecretPath(path)) continue;
    paths.delete(path);
    const because = isPrivate ? 'its mode denies others to read it' : 'it is a place for keys, tokens or passwords';
    notes.push({ kind: 'left', path, text: `${path} is not kept: ${because}` });
  }
  const { notes: more, tree, rest, files, size } = await keepTree(root, top, paths, new Map(), context.store);
  notes.push(...more);
  return { tree, ...(rest === undefined ? {} : { rest }), files, size };
}

const usual = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The program that uses a library: the one that was run, else the first on the path. */
async function interpreterOf(kind: LibraryKind, root: Root, ran: Ran | undefined): Promise<string | undefined> {
  const run = ran?.programs.find(({ file }) => kind.programs.test(posix.basename(file)))?.file;
  if (run !== undefined) return run;
  const folders = (ran?.env['PATH'] ?? usual).split(':').filter((folder) => folder.startsWith('/'));
  const candidates = folders.map((folder) => posix.join(folder, kind.command));
  const stats = await root.lstat(candidates);
  return candidates.find((_, index) => stats[index] !== undefined);
}
