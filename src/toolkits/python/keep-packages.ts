import { posix } from 'node:path';

import { byBytes, isSafeAbsolute, type ContentRef, type Note } from '../../model/index.ts';
import type { Root, TraceContext } from '../../contract/index.ts';
import { surveyTree } from '../trees/entries.ts';
import { keepTree } from '../trees/compose.ts';
import { identifyWheels, keepWheels, type Artifact } from './identify.ts';
import { openIndexes } from './index-page.ts';
import { normalizeName } from './metadata.ts';
import { pythonSecrets } from './secrets.ts';
import type { InstallerSettings } from './settings.ts';
import type { SitePackage } from './site-package.ts';
import type { PythonLock, PythonPackage } from './spec.ts';
import type { Scheme } from './wheel.ts';

export interface ToKeep {
  readonly top: string;
  readonly packages: readonly SitePackage[];
  /** Everything that belongs to it, absolute. */
  readonly paths: ReadonlySet<string>;
  readonly schemeOf: (one: SitePackage) => Scheme;
  readonly settings: InstallerSettings;
  readonly caches: readonly string[];
}

export interface Kept {
  readonly lock: Pick<PythonLock, 'packages' | 'tree' | 'rest' | 'files' | 'size'>;
  /** Checkouts that editable packages lead to. */
  readonly leads: readonly string[];
  /** Whether a wheel of an index was found. */
  readonly indexed: boolean;
  /** What is kept of files with secrets, by path. */
  readonly cut: ReadonlyMap<string, ContentRef>;
  readonly notes: readonly Note[];
}

/** The lock of installed packages: each with its wheel, or kept as it is. */
export async function keepPackages(keep: ToKeep, root: Root, context: TraceContext): Promise<Kept> {
  const { top, packages, paths, settings } = keep;
  const notes: Note[] = [];
  const artifacts = context.keep
    ? await identifyWheels(packages, top, keep.schemeOf, openIndexes(settings.indexes, context.signal), context)
    : new Map<string, Artifact>();
  await keepWheels(artifacts.values(), { caches: keep.caches, links: settings.folders }, root, context);
  const supplied = new Map<string, string>();
  for (const artifact of artifacts.values()) for (const [path, sha256] of artifact.supplied) supplied.set(path, sha256);
  const within = [...paths].filter((path) => path === top || path.startsWith(top === '/' ? '/' : `${top}/`));
  const tree = await keepOrList(root, top, within, supplied, context);
  notes.push(...tree.notes);
  if (context.keep) notes.push(...notesOn(packages, artifacts, settings));
  const leads = packages.flatMap(({ direct }) => (direct?.kind === 'folder' && direct.editable ? [direct.path] : []));
  return {
    lock: { packages: packages.map((one) => rowOf(one, artifacts.get(one.key), context.keep)), ...tree.lock },
    leads: [...new Set(leads.filter(isSafeAbsolute))].sort(byBytes),
    indexed: [...artifacts.values()].some(({ direct }) => !direct),
    cut: tree.cut,
    notes,
  };
}

/** What no index has is said; a checkout of one's own is not expected to be there. */
function notesOn(
  packages: readonly SitePackage[],
  artifacts: ReadonlyMap<string, Artifact>,
  { hadSecret, indexes }: InstallerSettings,
): Note[] {
  const gone = packages.filter(({ key, direct }) => !artifacts.has(key) && direct?.kind !== 'folder');
  const secret = 'the address of an index had a user name or password in it: it is written without';
  return [
    ...gone.map(({ key, name, version }): Note => ({
      kind: 'gone',
      text: `${name} ${version} is in no index as it is installed: its files are kept`,
      about: key,
    })),
    ...(hadSecret ? [{ kind: 'secret', text: secret, about: indexes[0] ?? '' } as const] : []),
  ];
}

async function keepOrList(
  root: Root,
  top: string,
  paths: readonly string[],
  supplied: ReadonlyMap<string, string>,
  context: TraceContext,
): Promise<{ lock: Pick<PythonLock, 'tree' | 'rest' | 'files' | 'size'> } & Pick<Kept, 'cut' | 'notes'>> {
  if (context.keep) {
    const names = paths.map((path) => posix.relative(top, path));
    const cutOf = await pythonSecrets(root, top, names);
    const { notes, cut, ...lock } = await keepTree(root, top, paths, supplied, context.store, cutOf);
    return { lock, cut, notes };
  }
  const survey = await surveyTree(root, top, paths);
  const files = survey.entries.filter(({ type }) => type === 'file');
  return {
    lock: { files: files.length, size: files.reduce((sum, { size = 0 }) => sum + size, 0) },
    cut: new Map(),
    notes: survey.notes,
  };
}

function rowOf(one: SitePackage, artifact: Artifact | undefined, looked: boolean): PythonPackage {
  const { direct } = one;
  const base = { name: one.name, version: one.version };
  const requested = one.requested ? { requested: true } : {};
  if (artifact !== undefined) {
    const { file, size, sha256 } = artifact;
    return { ...base, file, size, sha256, ...(artifact.direct ? { url: artifact.url } : {}), ...requested };
  }
  // without looking nothing is said of archives
  const repacked = looked ? { repacked: true } : {};
  if (direct?.kind === 'folder' && direct.editable && isSafeAbsolute(direct.path)) {
    return { ...base, editable: direct.path, ...repacked, ...requested };
  }
  if (direct?.kind === 'vcs') return { ...base, url: direct.url, commit: direct.commit, ...repacked, ...requested };
  return { ...base, ...repacked, ...requested };
}

/** The requirements of these packages among those that are installed, and theirs, and so on. */
export function closureOf(used: ReadonlySet<string>, packages: readonly SitePackage[]): ReadonlySet<string> {
  const byKey = new Map(packages.map((one) => [one.key, one]));
  const found = new Set<string>();
  const open = [...used];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const one = byKey.get(key);
    if (one === undefined || found.has(key)) continue;
    found.add(key);
    for (const requirement of requirementNames(one.requires)) open.push(requirement);
  }
  return found;
}

/** Names that packages require, whatever their markers say: who asks whether they are installed gets that answer. */
export function requirementNames(requires: readonly string[], extras: 'with extras' | 'without' = 'without'): string[] {
  return requires.flatMap((text) => {
    // of an extra that may not have been asked for
    if (extras === 'without' && /;.*\bextra\s*==/.test(text)) return [];
    const name = /^\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)/.exec(text)?.[1];
    return name === undefined ? [] : [normalizeName(name)];
  });
}

/** `NAME==VERSION`, as a person writes it above the lock. */
export function pinned({ name, version }: Pick<SitePackage, 'name' | 'version'>): string {
  return `${name}==${version}`;
}

/** `lib/python3.11/site-packages` and `python3.11`, of a site below its top. */
export function schemeOf(top: string, site: string): Scheme {
  const relative = posix.relative(top, site);
  return { site: relative, python: /(?:^|\/)((?:python|pypy)\d[\d.]*)\//.exec(relative)?.[1] ?? 'python3' };
}
