import * as v from 'valibot';

import {
  anyText,
  digestText,
  distributionFields,
  flag,
  integer,
  pathText,
  sha256Text,
  text,
  type Distribution,
  type Root,
} from '../../src/contract/index.ts';
import { byBytes, type Difference, type DistributionLock, type DistributionSpec } from '../../src/model/index.ts';

export interface FakeSpec extends DistributionSpec {
  readonly type: 'fake';
  readonly release?: string;
  readonly packages?: readonly string[];
}

export interface FakeLock extends DistributionLock {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly size: number;
    readonly sha256: string;
    readonly repacked?: boolean;
  }[];
  /** Files that its plan writes: path to content. */
  readonly writes?: Readonly<Record<string, string>>;
}

/** The database of the fake package manager, as JSON: what is installed, and the sha256 of each file. */
export const fakeDatabase = '/var/lib/fake.json';

export interface FakeInstalled {
  readonly [name: string]: { readonly version: string; readonly files: Readonly<Record<string, string>> };
}

/**
 * A package manager of forty lines that really looks: its database lies in the root, its packages own files, know
 * their digests, and have `.cache` files generated beside them.
 */
export const fakeDistribution: Distribution<FakeSpec, FakeLock> = {
  type: 'fake',
  title: 'Fake',
  schema: v.looseObject({
    type: v.literal('fake'),
    ...distributionFields,
    release: v.optional(text),
    packages: v.optional(v.array(text)),
  }) as never,
  lockSchema: v.looseObject({
    of: digestText,
    packages: v.array(
      v.looseObject({ name: text, version: text, size: integer, sha256: sha256Text, repacked: v.optional(flag) }),
    ),
    writes: v.optional(v.record(pathText, anyText)),
  }) as never,
  async claim(paths, root) {
    const owners = new Map<string, string>();
    for (const [name, { files }] of Object.entries(await installed(root))) {
      for (const path of Object.keys(files)) owners.set(path, name);
    }
    return new Map(
      paths.flatMap((path) => {
        const key = owners.get(path);
        if (key !== undefined) return [[path, [{ key }]]];
        const maker = path.endsWith('.cache') ? owners.get(path.slice(0, -'.cache'.length)) : undefined;
        if (maker !== undefined) return [[path, [{ key: maker, explained: `cache of ${maker}` }]]];
        return path === fakeDatabase ? [[path, [{ key: 'fake', explained: 'the database' }]]] : [];
      }),
    );
  },
  async describe(_owned, root) {
    const packages = Object.entries(await installed(root));
    if (packages.length === 0) return { distributions: [], notes: [] };
    const lock = {
      packages: packages.map(([name, { version }]) => ({ name, version, size: 0, sha256: '0'.repeat(64) })),
    };
    const spec: FakeSpec = { type: 'fake', packages: packages.map(([name, { version }]) => `${name}=${version}`) };
    return { distributions: [{ spec, lock, summary: `${packages.length} fake packages` }], notes: [] };
  },
  contents(_spec, { packages }) {
    return {
      kept: packages.filter(({ repacked }) => repacked === true),
      archived: packages.filter(({ repacked }) => repacked !== true),
    };
  },
  async wanted(_spec, { packages }) {
    return packages.map(({ name, version, sha256, size }) => ({
      what: `${name} ${version}`,
      sha256,
      size,
      async *sources() {},
    }));
  },
  async bootstrap(_spec, _lock, directory) {
    return { directory };
  },
  plan(_spec, { writes = {} }) {
    return Object.entries(writes).map(([path, content]) => ({
      do: 'write' as const,
      path,
      content,
      mode: '0644',
      because: 'fake configuration',
    }));
  },
  volatile: () => [{ pattern: '/var/lib/fake.json', because: 'dates of installation' }],
  packages(spec, lock) {
    const listed = (spec.packages ?? []).map((wish) => {
      const [key = '', version = ''] = wish.split('=');
      return { key, version };
    });
    const names = new Set(listed.map(({ key }) => key));
    const rest = (lock?.packages ?? []).filter(({ name }) => !names.has(name));
    const exact = new Map(lock?.packages.map(({ name, version }) => [name, version]));
    return [
      ...listed.map(({ key, version }) => ({ key, version: exact.get(key) ?? version })),
      ...rest.map(({ name, version }) => ({ key: name, version, listed: false })),
    ].sort((a, b) => byBytes(a.key, b.key));
  },
  async observe(_spec, root) {
    const packages = Object.entries(await installed(root));
    return { packages: packages.map(([key, { version }]) => ({ key, version })) };
  },
  async check(_spec, _lock, root) {
    const differing: Difference[] = [];
    let checked = 0;
    for (const [name, { version, files }] of Object.entries(await installed(root))) {
      const paths = Object.keys(files);
      const digests = await root.digest(paths, 'sha256');
      checked += paths.length;
      for (const [index, path] of paths.entries()) {
        const is = digests[index];
        const was = files[path] as string;
        const owner = `${name} ${version}`;
        if (is === undefined) differing.push({ path, kind: 'missing', owner });
        else if (is !== was) differing.push({ path, kind: 'changed', was, is, owner });
      }
    }
    return { checked, differing, explained: [] };
  },
  async trust(_spec, { packages }) {
    const byNobody = packages.filter(({ repacked }) => repacked === true).map(({ name }) => name);
    return { packages: packages.length, byMachine: packages.length - byNobody.length, byBundle: 0, byNobody };
  },
};

async function installed(root: Root): Promise<FakeInstalled> {
  const database = await root.readFile(fakeDatabase).catch(() => undefined);
  return database === undefined ? {} : (JSON.parse(database.toString()) as FakeInstalled);
}
