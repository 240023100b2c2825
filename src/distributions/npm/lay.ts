import { posix } from 'node:path';

import { byBytes, isSafeAbsolute, sha256, type ContentRef } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import type { TreeEntry } from '../../toolkits/trees/entries.ts';
import { compress, writeTar, type TarMember } from '../../toolkits/trees/tar.ts';
import { addressesOf } from './address.ts';
import { parseManifest, type Manifest } from './parse-locks.ts';
import { nameIn } from './read-tree.ts';
import { modulesOf, type NpmLock, type NpmPackage, type NpmSpec } from './spec.ts';
import { readTarball, unpackTarball } from './tarball.ts';

const owner = { uid: 0, gid: 0, mtime: 0 } as const;

/**
 * The tree that npm's installer would make of these tarballs, less what lifecycle scripts add: every file by its key,
 * links to commands, the hidden lock file. All of root's, of no time; nothing is executed.
 */
export async function layTree(
  spec: NpmSpec,
  lock: NpmLock,
  store: Store,
): Promise<{ readonly entries: readonly TreeEntry[]; readonly rest: ContentRef }> {
  const files = new Map<string, TreeEntry>();
  const manifests = new Map<string, Manifest>();
  const keys = new Set(lock.packages.map(({ path }) => path));
  for (const row of lock.packages) {
    if (row.sha256 === undefined) continue;
    for await (const { path, content, mode } of unpackTarball(
      await readTarball(row, store),
      `${row.name} ${row.version}`,
    )) {
      if (posix.basename(path) === '.gitignore') continue; // it comes under npm's name for it, too
      const at = `${row.path}/${path}`;
      // npm's own modes: 0666 and the package's bits, less its umask of 022
      files.set(at, {
        path: at,
        type: 'file',
        mode: (mode | 0o644) & 0o755,
        ...owner,
        size: content.length,
        sha256: sha256(content),
      });
      const key = at.slice(0, -'/package.json'.length);
      const manifest =
        at.endsWith('/package.json') && keys.has(key) ? parseManifest(content.toString('utf8')) : undefined;
      if (manifest !== undefined) manifests.set(key, manifest);
    }
  }
  const links = new Map<string, string>();
  for (const { path } of lock.packages) linkCommands(spec, path, manifests.get(path), files, links);
  for (const { path, link } of lock.packages)
    if (link !== undefined) links.set(path, posix.relative(posix.dirname(posix.join(spec.path, path)), link));
  const hidden = spec.global === true ? [] : [hiddenLock(spec, lock, manifests)];
  for (const { entry } of hidden) files.set(entry.path, entry);
  const entries = [
    ...files.values(),
    ...[...links].map(([path, target]): TreeEntry => ({ path, type: 'link', mode: 0o777, ...owner, target })),
  ];
  return {
    entries: [...foldersOf(entries), ...entries].sort((a, b) => byBytes(a.path, b.path)),
    rest: await store.add(compress(writeTar(hidden))),
  };
}

/** As npm-install does for `bin` (package-json(5)): links beside the package, and what they lead to can be executed. */
function linkCommands(
  spec: NpmSpec,
  key: string,
  manifest: Manifest | undefined,
  files: Map<string, TreeEntry>,
  links: Map<string, string>,
): void {
  const around = key.slice(0, -nameIn(key).length - 1);
  const folder = spec.global === true && around === modulesOf(spec) ? 'bin' : `${around}/.bin`;
  for (const [name, file] of Object.entries(manifest?.bin ?? {})) {
    const command = posix.basename(name);
    const goal = posix.join(key, posix.normalize(`/${file}`));
    const entry = files.get(goal);
    if (entry === undefined || !isSafeAbsolute(`/${command}`) || command.startsWith('.')) continue;
    files.set(goal, { ...entry, mode: entry.mode | 0o111 });
    const path = `${folder}/${command}`;
    if (!links.has(path)) links.set(path, posix.relative(folder, goal));
  }
}

function hiddenLock(
  spec: NpmSpec,
  lock: NpmLock,
  manifests: ReadonlyMap<string, Manifest>,
): TarMember & { readonly entry: TreeEntry } {
  const told = (row: NpmPackage) => {
    const raw = manifests.get(row.path)?.raw ?? {};
    const kept = [
      'bundleDependencies',
      'dependencies',
      'optionalDependencies',
      'peerDependencies',
      'peerDependenciesMeta',
      'bin',
      'engines',
    ];
    return {
      ...(row.name === nameIn(row.path) ? {} : { name: row.name }),
      version: row.version,
      ...(row.bundled === true ? {} : { resolved: addressesOf(row, spec, [])[0] }),
      ...(row.integrity === undefined ? {} : { integrity: row.integrity }),
      ...(row.bundled === true ? { inBundle: true } : {}),
      ...(row.scripts === true ? { hasInstallScript: true } : {}),
      ...Object.fromEntries(kept.flatMap((key) => (raw[key] === undefined ? [] : [[key, raw[key]]]))),
    };
  };
  const packages = Object.fromEntries(lock.packages.map((row) => [row.path, told(row)]));
  const name = posix.basename(spec.path);
  const content = Buffer.from(
    `${JSON.stringify({ name, lockfileVersion: 3, requires: true, packages }, undefined, 2)}\n`,
  );
  const path = `${modulesOf(spec)}/.package-lock.json`;
  return {
    entry: { path, type: 'file', mode: 0o644, ...owner, size: content.length, sha256: sha256(content) },
    content: [content],
  };
}

/** The folders of these; the top itself is somebody else's. */
function foldersOf(entries: readonly TreeEntry[]): TreeEntry[] {
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (let at = posix.dirname(path); at !== '.' && !folders.has(at); at = posix.dirname(at)) folders.add(at);
  }
  return [...folders].map((path) => ({ path, type: 'directory', mode: 0o755, ...owner }));
}
