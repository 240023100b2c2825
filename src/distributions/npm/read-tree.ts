import { posix } from 'node:path';

import { byBytes, type Note } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import type { Layout } from './layout.ts';
import {
  parseManifest,
  parseNpmLock,
  parsePnpmLock,
  parseYarnLock,
  type Manifest,
  type Told,
  type ToldAll,
} from './parse-locks.ts';
import { modulesOf, type NpmPackage } from './spec.ts';

/** What a tree's own files say of it. */
export interface ReadTree {
  readonly manager?: 'pnpm' | 'yarn';
  /** Sorted by path; `resolved` is as a lock file has it. */
  readonly rows: readonly NpmPackage[];
  /** What the project asks for itself, by name. */
  readonly requests: ReadonlySet<string>;
  readonly notes: readonly Note[];
}

const largest = 64 * 1024 * 1024;

/**
 * Every package of a tree with its name and version, which its own package.json says; lock files are believed where
 * they agree with that. A lock file that is broken costs a note.
 */
export async function readTree(root: Root, layout: Layout): Promise<ReadTree> {
  const notes: Note[] = [];
  const modules = posix.join(layout.top, modulesOf(layout));
  const read = async (path: string) => (await root.readFile(path, largest).catch(() => undefined))?.toString('utf8');
  const tell = async (path: string, parse: (content: string) => ToldAll | undefined): Promise<ToldAll> => {
    const content = await read(path);
    const told = content === undefined ? undefined : parse(content);
    if (content !== undefined && told === undefined) {
      notes.push({
        kind: 'unreadable',
        path,
        text: `${path} is no lock file that is known; packages are told by themselves`,
      });
    }
    return told ?? new Map<string, Told>();
  };
  const hidden = await tell(`${modules}/.package-lock.json`, parseNpmLock);
  const pnpm = await tell(`${modules}/.pnpm/lock.yaml`, parsePnpmLock);
  const isYarn = await anyOf(root, [`${modules}/.yarn-integrity`, `${modules}/.yarn-state.yml`]);
  const others: ToldAll[] = [];
  if (hidden.size === 0 && !layout.global) {
    if (isYarn) others.push(await tell(posix.join(layout.top, 'yarn.lock'), parseYarnLock));
    else if (pnpm.size === 0) {
      for (const name of ['npm-shrinkwrap.json', 'package-lock.json'])
        others.push(await tell(posix.join(layout.top, name), parseNpmLock));
    }
  }
  const rows: NpmPackage[] = [];
  for (const key of [...layout.packages].sort(byBytes)) {
    const path = posix.join(layout.top, key, 'package.json');
    const content = await read(path);
    if (content === undefined) continue;
    const manifest = parseManifest(content);
    if (manifest === undefined) {
      notes.push({ kind: 'unreadable', path, text: `${path} is no JSON; its package is kept as files` });
    }
    const name = manifest?.name ?? nameIn(key);
    const version = manifest?.version ?? '';
    const id = `${name}@${version}`;
    const told = [hidden.get(key), pnpm.get(id), ...others.flatMap((one) => [one.get(key), one.get(id)])].find(
      (one) => one !== undefined && (one.version ?? version) === version && (one.name ?? name) === name,
    );
    rows.push(toRow(key, name, version, manifest, told));
  }
  for (const [key, goal] of layout.links) {
    const content = await read(posix.join(goal, 'package.json'));
    const manifest = content === undefined ? undefined : parseManifest(content);
    rows.push({ path: key, name: manifest?.name ?? nameIn(key), version: manifest?.version ?? '', link: goal });
  }
  const project = layout.global ? undefined : parseManifest((await read(posix.join(layout.top, 'package.json'))) ?? '');
  return {
    ...(pnpm.size > 0 ? { manager: 'pnpm' as const } : isYarn ? { manager: 'yarn' as const } : {}),
    rows: rows.sort((a, b) => byBytes(a.path, b.path)),
    requests: new Set(layout.global ? layout.direct.keys() : (project?.requests ?? [])),
    notes,
  };
}

/** The name that a key ends in: what a program calls the package by. */
export function nameIn(key: string): string {
  return /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(key)?.[1] ?? posix.basename(key);
}

function toRow(
  key: string,
  name: string,
  version: string,
  manifest: Manifest | undefined,
  told: Told | undefined,
): NpmPackage {
  const scripts = told?.scripts ?? manifest?.scripts ?? false;
  return {
    path: key,
    name,
    version,
    ...(told?.resolved === undefined ? {} : { resolved: told.resolved }),
    ...(told?.integrity === undefined ? {} : { integrity: told.integrity }),
    ...(told?.bundled === true ? { bundled: true } : {}),
    ...(scripts ? { scripts: true } : {}),
  };
}

async function anyOf(root: Root, paths: readonly string[]): Promise<boolean> {
  return (await root.lstat(paths)).some((stat) => stat !== undefined);
}
