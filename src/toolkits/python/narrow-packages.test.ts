import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { openStore } from '../../archives/store.ts';
import { localRoot } from '../../roots/local.ts';
import { storedTree } from '../trees/compose.ts';
import { formatTree, type TreeEntry } from '../trees/entries.ts';
import { narrowPackages } from './narrow-packages.ts';
import type { SitePackage } from './site-package.ts';

const site = '/env/lib/python3.11/site-packages';

test('packages that nothing used and nothing that was used requires go whole', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'repronim-narrow-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const own = {
    used: ['used.py', 'used-1.dist-info/RECORD', '../../../bin/used', 'shared.txt'],
    needed: ['needed/__init__.py', 'needed-1.dist-info/RECORD'],
    idle: ['idle/__init__.py', 'idle/data/x', 'idle-1.dist-info/RECORD', '../../../bin/idle', 'shared.txt'],
  };
  const packages = Object.entries(own).map(([key, files]): SitePackage => ({
    key,
    name: key,
    version: '1',
    info: join(site, `${key}-1.dist-info`),
    requested: true,
    requires: key === 'used' ? ['Needed >= 1'] : [],
    files: files.map((file) => ({ path: join(site, file) })),
    folders: [],
  }));
  const all = [...new Set([...Object.values(own).flat(), 'idle/__pycache__/__init__.cpython-311.pyc'])];
  const paths = all.map((file) => join(site, file).slice('/env/'.length));
  for (const path of paths) {
    mkdirSync(dirname(join(top, 'root/env', path)), { recursive: true });
    writeFileSync(join(top, 'root/env', path), '');
  }
  const about = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  const folders = new Set(paths.flatMap((path) => [dirname(path), dirname(dirname(path))]));
  const tree: readonly TreeEntry[] = [
    ...[...folders].map((path) => ({ ...about, path, type: 'directory' as const })),
    ...paths.map((path) => ({ ...about, path, type: 'file' as const, size: 0, sha256: 'e'.repeat(64) })),
  ];
  const store = openStore(join(top, 'store'));
  const lock = {
    of: 'sha256:x' as const,
    packages: packages.map(({ name, version }) => ({ name, version })),
    tree: await store.add(formatTree(tree)),
    files: paths.length,
    size: 0,
  };
  const spec = { type: 'venv', path: '/env', packages: ['idle==1', 'used'] };
  const less = await narrowPackages({ spec, lock }, new Set([`${site}/used.py`, '/usr/bin/python3']), {
    sites: [{ path: site, packages, notes: [] }],
    root: localRoot(join(top, 'root')),
    store,
  });
  assert.deepEqual(less.spec.packages, ['used']);
  assert.deepEqual(
    less.lock.packages.map(({ name }) => name),
    ['used', 'needed'],
  );
  const left = await storedTree(less.lock.tree, store);
  assert.deepEqual(
    left?.filter(({ path }) => /idle/.test(path)),
    [],
  );
  assert.equal(less.lock.files, own.used.length + own.needed.length);
  const same = await narrowPackages({ spec, lock }, new Set(packages.map(({ files }) => files[0]?.path ?? '')), {
    sites: [{ path: site, packages, notes: [] }],
    root: localRoot(join(top, 'root')),
    store,
  });
  assert.equal(same.lock, lock);
});
