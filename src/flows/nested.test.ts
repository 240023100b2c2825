import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { contexts } from '../../test/fakes/contexts.ts';
import { fakeDistribution } from '../../test/fakes/distribution.ts';
import type { AnyDistribution } from '../contract/index.ts';
import { sha256, type DistributionSpec, type Spec } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { pluginFor } from './nested.ts';
import { baseOf, partsOf } from './plan.ts';

const all: readonly AnyDistribution[] = [fakeDistribution];
const lock = { of: 'sha256:', packages: [] } as const;
const [system, tree]: readonly [DistributionSpec, DistributionSpec] = [
  { type: 'fake', id: 'system' },
  { type: 'fake', id: 'old', base: 'system', path: '/opt/old' } as DistributionSpec,
];

test('what can stand alone and has a path is laid in what stands alone', () => {
  assert.equal(pluginFor(system, all), fakeDistribution);
  assert.equal(pluginFor({ type: 'other' }, all), undefined);
  const spec: Spec = {
    repronim: 1,
    distributions: [tree, system],
    lock: { distributions: { system: lock, old: lock } },
  };
  const parts = partsOf(spec, all);
  assert.deepEqual(
    parts.map(({ id }) => id),
    ['system', 'old'],
  );
  assert.equal(baseOf(parts).id, 'system');
  const plugin = pluginFor(tree, all);
  assert.equal(plugin?.bootstrap, undefined);
  assert.deepEqual(
    plugin?.plan(tree, lock, { tree: { sha256: 'a', size: 1 } }).map((step) => step.do),
    ['directory', 'unpack'],
  );
  assert.deepEqual(
    plugin?.volatile?.(tree).map(({ pattern }) => pattern),
    ['/opt/old/var/lib/fake.json'],
  );
});

test('it is looked at from its own top, by its own lists', async (t) => {
  const { folder, tracing } = contexts(t);
  const write = (path: string, content: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const files = { '/usr/a': sha256('a'), '/usr/b': sha256('b'), '/usr/c': sha256('c') };
  write('opt/old/var/lib/fake.json', JSON.stringify({ tool: { version: '1', files } }));
  write('opt/old/usr/a', 'a');
  write('opt/old/usr/b', 'other');
  write('usr/c', 'c');
  const plugin = pluginFor(tree, all);
  const root = localRoot(folder);
  assert.deepEqual((await plugin?.observe(tree, root, tracing))?.packages, [{ key: 'tool', version: '1' }]);
  const checked = await plugin?.check?.(tree, lock, root, tracing);
  assert.deepEqual(
    checked?.differing.map(({ path, kind, owner }) => `${path} ${kind} ${owner}`),
    ['/opt/old/usr/b changed tool 1', '/opt/old/usr/c missing tool 1'],
  );
  assert.ok(checked?.own?.includes('/opt/old/usr/a'));
  assert.ok(checked?.own?.every((path) => path.startsWith('/opt/old')));
});
