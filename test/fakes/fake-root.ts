import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

import { openStore } from '../../src/archives/store.ts';
import type { CreateContext } from '../../src/contract/index.ts';
import { digestOf, sha256, type Spec } from '../../src/model/index.ts';
import { fakeDatabase, type FakeLock, type FakeSpec } from './distribution.ts';

/** A folder that is gone after the test. */
export function scratch(t: TestContext, name: string): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), `repronim-${name}-`)));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export type FakePackages = Readonly<Record<string, { version: string; files: Readonly<Record<string, string>> }>>;

/** Writes files by content into a root, making folders. */
export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** A root in which the fake package manager has installed packages. */
export function installFake(root: string, packages: FakePackages): string {
  mkdirSync(root, { recursive: true });
  const database = Object.entries(packages).map(([name, { version, files }]) => {
    writeFiles(root, files);
    return [
      name,
      { version, files: Object.fromEntries(Object.entries(files).map(([path, content]) => [path, sha256(content)])) },
    ];
  });
  writeFiles(root, { [fakeDatabase]: JSON.stringify(Object.fromEntries(database)) });
  return root;
}

/** The exact spec of such a root; the artifact of a package is the text `NAME VERSION`. */
export function fakeSpec(
  packages: FakePackages,
  more: { readonly lock?: Partial<FakeLock>; readonly spec?: Partial<Spec> } = {},
): Spec {
  const entry: FakeSpec = {
    type: 'fake',
    packages: Object.entries(packages).map(([name, { version }]) => `${name}=${version}`),
  };
  const lock: FakeLock = {
    of: digestOf(entry),
    packages: Object.entries(packages).map(([name, { version }]) => {
      const artifact = `${name} ${version}`;
      return { name, version, size: artifact.length, sha256: sha256(artifact) };
    }),
    ...more.lock,
  };
  const { lock: ownLock, ...own } = more.spec ?? {};
  return { repronim: 1, distributions: [entry], ...own, lock: { distributions: { fake: lock }, ...ownLock } };
}

/** A context over a store of its own; nothing can be fetched. */
export function fakeContext(directory: string): CreateContext {
  return {
    store: openStore(join(directory, 'store')),
    onProgress: () => {},
    signal: new AbortController().signal,
    settings: () => ({}),
    fetch: async (wanted) => ({
      from: {},
      refused: [],
      missing: wanted.map(({ what, sha256: digest }) => ({ what, sha256: digest, tried: [] })),
    }),
    work: directory,
    trusted: true,
  };
}
