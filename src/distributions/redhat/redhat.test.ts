import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { laySmallRoot, smallSystem } from '../../../test/fakes/small-rpm.ts';
import { digestOf } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import type { RpmLock } from '../../toolkits/rpm/spec.ts';
import { redhat } from './index.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-redhat-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

testDistribution({
  distribution: redhat,
  place(t) {
    const folder = folderOf(t);
    const [full, empty, broken] = ['full', 'empty', 'broken'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    laySmallRoot(full, smallSystem);
    mkdirSync(empty);
    laySmallRoot(broken, smallSystem);
    const database = join(broken, 'var/lib/rpm/Packages.db');
    const bytes = readFileSync(database);
    bytes.write('no blob', bytes.lastIndexOf('BlbS'));
    writeFileSync(database, bytes);
    return Promise.resolve({
      root: localRoot(full),
      mine: ['/bin', '/etc/os-release', '/etc/tool.conf', '/usr/bin/sh', '/usr/bin/tool'],
      others: ['/usr/bin/toolx', '/usr/bin', '/etc/tool', '/opt/tool', '/usr/local/bin/tool'],
      empty: localRoot(empty),
      broken: { root: localRoot(broken), mine: ['/bin', '/usr/bin/sh'] },
    });
  },
});

test('of a run, what was used stands above, what it needs in the lock, each with its reason', async (t) => {
  const folder = folderOf(t);
  laySmallRoot(folder, smallSystem, 'bdb');
  const { tracing } = contexts(t);
  const root = localRoot(folder);
  const [described] = (await redhat.describe(await redhat.claim(['/bin/tool'], root, tracing), root, tracing))
    .distributions;
  assert.deepEqual(described?.spec, {
    type: 'redhat',
    vendor: 'centos',
    release: '8',
    architecture: 'x86_64',
    packages: ['tool=1.0-1'],
  });
  assert.deepEqual(
    described.lock.packages.map(({ name, version, why }) => `${name} ${version} ${why}`),
    ['dash 1:0.5~rc1-2.el8 required', 'filesystem 3.8-6.el8 required', 'tool 1.0-1 used'],
  );
  assert.deepEqual(described.lock.database, { path: '/var/lib/rpm', format: 'bdb' });
});

test('configuration that was changed is kept, and what nobody may read is not', async (t) => {
  const folder = folderOf(t);
  laySmallRoot(folder, smallSystem);
  writeFileSync(join(folder, 'etc/tool.conf'), 'a = 2, and more\n');
  const { tracing } = contexts(t);
  const root = localRoot(folder);
  const owned = await redhat.claim(['/usr/bin/tool'], root, tracing);
  const [described] = (await redhat.describe(owned, root, tracing)).distributions;
  assert.ok(described);
  const lock: RpmLock = { of: digestOf(described.spec), ...described.lock };
  assert.deepEqual(
    lock.changed?.map(({ path, package: of, size }) => ({ path, of, size })),
    [{ path: '/etc/tool.conf', of: 'tool.x86_64', size: 16 }],
  );
  const steps = redhat.plan(described.spec, lock, {});
  assert.deepEqual(
    steps.map((step) => ('path' in step ? `${step.do} ${step.path}` : step.do)),
    ['write /etc/tool.conf'],
  );
  const checked = await redhat.check?.(described.spec, lock, root, tracing);
  assert.deepEqual(checked?.differing, []);
});

test('the database of a root that is of another family is none of ours', async (t) => {
  const folder = folderOf(t);
  laySmallRoot(folder, smallSystem);
  writeFileSync(join(folder, 'etc/os-release'), 'ID=opensuse-leap\nID_LIKE="suse opensuse"\n');
  const claimed = await redhat.claim(['/usr/bin/tool'], localRoot(folder), contexts(t).tracing);
  assert.equal(claimed.size, 0);
});
