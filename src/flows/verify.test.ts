import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { fakeDatabase, fakeDistribution } from '../../test/fakes/distribution.ts';
import { fakeContext, fakeSpec, installFake, scratch, writeFiles } from '../../test/fakes/fake-root.ts';
import type { Root } from '../contract/index.ts';
import { sha256, type Spec } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import type { VerifyOptions } from './verify/options.ts';
import { madeFrom, verify } from './verify.ts';

const packages = {
  base: { version: '1', files: { '/etc/profile': 'profile', '/usr/bin/sh': 'shell' } },
  tool: { version: '2.0-1', files: { '/usr/bin/tool': 'tool', '/usr/lib/tool/data': 'data' } },
};
const digest = (content: string) => ({ sha256: sha256(content), size: content.length });

async function study(t: TestContext, more: Parameters<typeof fakeSpec>[1] = {}) {
  const directory = scratch(t, 'verify');
  const root = installFake(join(directory, 'root'), packages);
  const context = fakeContext(directory);
  for (const text of ['base 1', 'tool 2.0-1']) await context.store.add(Buffer.from(text));
  const look = (spec: Spec, options: Partial<VerifyOptions> = {}, of: Root = localRoot(root)) =>
    verify(spec, of, { distributions: [fakeDistribution], context, ...options });
  return { root, context, spec: fakeSpec(packages, more), look };
}

test('what was made from its spec is equal at every level', async (t) => {
  const { root, spec, look } = await study(t, {
    lock: { writes: { '/etc/fake.conf': 'sources' } },
    spec: {
      runs: [{ command: ['./run'], directory: '/work', outputs: ['out'] }],
      lock: {
        files: [{ path: '/home/u/.config', mode: '0644', ...digest('loose') }],
        runs: {
          run: {
            of: `sha256:${'0'.repeat(64)}`,
            as: { uid: 0, gid: 0, umask: '0022', home: '/root' },
            inputs: [{ path: 'in', ...digest('input') }],
          },
        },
      },
    },
  });
  writeFiles(root, { '/home/u/.config': 'loose', '/work/in': 'input', '/work/out': 'x', '/etc/fake.conf': 'sources' });
  writeFiles(root, { '/usr/bin/tool.cache': 'generated' });
  const verdict = await look(spec);
  const counts = Object.entries(verdict.levels).map(([name, { checked, equal, differing }]) => [
    name,
    checked,
    equal,
    differing,
  ]);
  assert.deepEqual(counts, [
    ['packages', 2, 2, []],
    ['artifacts', 2, 2, []],
    ['contents', 4, 4, []],
    ['files', 2, 2, []],
  ]);
  assert.equal(verdict.equal, true);
  assert.match(verdict.fingerprint ?? '', /^sha256:/);
  assert.deepEqual(verdict.unvouched, []);
  assert.deepEqual(
    verdict.levels.contents?.explained.map(({ path, explained }) => [path, explained]),
    [
      ['/etc/fake.conf', 'fake configuration'],
      ['/home/u/.config', 'named by the spec'],
      ['/usr/bin/tool.cache', 'cache of tool'],
      ['/work/in', 'named by the spec'],
      ['/work/out', 'a run writes it'],
    ],
  );
});

test('each difference is at its level, named to the file', async (t) => {
  const { root, spec, look } = await study(t, {
    spec: {
      lock: {
        files: [
          { path: '/opt/a', mode: '0600', ...digest('a') },
          { path: '/opt/l', link: 'a' },
          { path: '/opt/none', ...digest('') },
        ],
      },
    },
  });
  writeFiles(root, { '/etc/profile': 'edited', '/usr/bin/hi': 'planted', '/opt/a': 'b' });
  symlinkSync('elsewhere', join(root, 'opt/l'));
  rmSync(join(root, 'usr/lib/tool/data'));
  chmodSync(join(root, 'opt/a'), 0o640);
  const verdict = await look(spec);
  assert.equal(verdict.equal, false);
  assert.deepEqual(verdict.levels.contents?.differing, [
    { path: '/etc/profile', kind: 'changed', was: sha256('profile'), is: sha256('edited'), owner: 'base 1' },
    { path: '/usr/bin/hi', kind: 'unknown' },
    { path: '/usr/lib/tool/data', kind: 'missing', owner: 'tool 2.0-1' },
  ]);
  assert.deepEqual([verdict.levels.contents?.checked, verdict.levels.contents?.equal], [4, 2]);
  assert.deepEqual(verdict.levels.files?.differing, [
    { path: '/opt/a', kind: 'changed', was: sha256('a'), is: sha256('b') },
    { path: '/opt/a', kind: 'mode', was: '0600', is: '0640' },
    { path: '/opt/l', kind: 'changed', was: 'a', is: 'elsewhere' },
    { path: '/opt/none', kind: 'missing' },
  ]);
  assert.deepEqual([verdict.levels.files?.checked, verdict.levels.files?.equal], [3, 0]);
});

test('packages are compared both ways', async (t) => {
  const { root, spec, look } = await study(t);
  const other = { base: { version: '1.1', files: {} }, extra: { version: '3', files: {} } };
  writeFiles(root, { [fakeDatabase]: JSON.stringify(other) });
  const { levels } = await look(spec);
  assert.deepEqual(levels.packages, {
    checked: 2,
    equal: 0,
    differing: [
      { path: 'base', kind: 'version', was: '1', is: '1.1', owner: 'fake' },
      { path: 'extra', kind: 'unknown', is: '3', owner: 'fake' },
      { path: 'tool', kind: 'missing', was: '2.0-1', owner: 'fake' },
    ],
    explained: [],
  });
});

test('artifacts: repacked, gone from the store, broken in the store, not in the record of the build', async (t) => {
  const { context, spec, look } = await study(t);
  const lock = spec.lock?.distributions?.['fake'] as unknown as { packages: { sha256: string }[] };
  const [base, tool] = lock.packages.map(({ sha256: hash }) => hash) as [string, string];
  const repacked = structuredClone(spec) as unknown as {
    lock: { distributions: { fake: { packages: { repacked?: boolean }[] } } };
  };
  (repacked.lock.distributions.fake.packages[0] as { repacked?: boolean }).repacked = true;
  const first = await look(repacked as unknown as Spec);
  assert.equal(first.equal, true);
  assert.deepEqual([first.levels.artifacts?.checked, first.levels.artifacts?.equal], [2, 1]);
  assert.equal(first.levels.artifacts?.explained[0]?.kind, 'repacked');
  assert.deepEqual(first.unvouched, ['base']);

  await context.store.remove(tool);
  const gone = await look(spec);
  assert.equal(gone.equal, true);
  assert.equal(gone.levels.artifacts?.explained[0]?.explained, 'not in the store any more');
  assert.equal((await look(spec, { built: [base, tool] })).levels.artifacts?.equal, 2);
  const notBuilt = await look(spec, { built: [base] });
  assert.deepEqual(notBuilt.levels.artifacts?.differing, [
    { path: 'tool 2.0-1', owner: 'fake', was: tool, kind: 'missing' },
  ]);

  writeFileSync((await context.store.find(base)) as string, 'flipped');
  const broken = await look(spec);
  assert.equal(broken.equal, false);
  assert.deepEqual(broken.levels.artifacts?.differing[0], {
    path: 'base 1',
    owner: 'fake',
    was: base,
    is: sha256('flipped'),
    kind: 'changed',
  });
});

test('traced files are found behind links, and volatile ones looked at alone', async (t) => {
  const { root, spec, look } = await study(t);
  mkdirSync(join(root, 'usr/lib64'));
  symlinkSync('usr/lib64', join(root, 'lib64'));
  writeFiles(root, { '/usr/lib64/ld.so': 'loader', '/tmp/x': 'temporary' });
  const traced = [
    { path: '/lib64/ld.so', ...digest('loader') },
    { path: '/tmp/x', ...digest('temporary') },
    { path: '/usr/bin/tool', ...digest('another') },
  ];
  const { levels } = await look(spec, { traced });
  assert.deepEqual([levels.files?.checked, levels.files?.equal], [3, 2]);
  assert.equal(levels.files?.differing[0]?.path, '/usr/bin/tool');
  assert.deepEqual(
    levels.contents?.differing.map(({ path }) => path),
    ['/lib64'],
    'the traced loader is named, the link is not',
  );
});

test('the tree that it was made from says what packages do not', async (t) => {
  const { root, spec, look } = await study(t, {
    spec: { runs: [{ command: ['./run'], directory: '/work', outputs: ['out'] }] },
  });
  writeFiles(root, { '/work/out': 'before', '/usr/bin/tool.cache': 'generated' });
  const directory = `${root}.source`;
  cpSync(root, directory, { recursive: true });
  const made = madeFrom({ directory });
  assert.equal((await look(spec, made)).equal, true);

  writeFiles(root, { '/work/out': 'after', '/usr/bin/tool.cache': 'edited', '/etc/profile': 'edited' });
  chmodSync(join(root, 'usr/bin/tool'), 0o4755);
  chmodSync(join(root, 'usr/lib'), 0o777);
  const verdict = await look(spec, made);
  assert.deepEqual(
    verdict.levels.contents?.differing.map(({ path, kind, was = '', is, owner }) => [
      path,
      kind,
      kind === 'mode' ? `${was} ${is}` : '',
      owner,
    ]),
    [
      ['/etc/profile', 'changed', '', 'base 1'],
      ['/usr/bin/tool', 'mode', '0644 4755', 'tool 2.0-1'],
      ['/usr/bin/tool.cache', 'changed', '', 'tool 2.0-1'],
      ['/usr/lib', 'mode', '0755 0777', undefined],
    ],
  );
  assert.ok(
    verdict.levels.contents?.explained.some(
      ({ path, explained }) => path === '/work/out' && explained === 'a run writes it',
    ),
  );
  assert.deepEqual(madeFrom({ directory: `${directory}-gone` }), {});
});

test('the tree is read once', async (t) => {
  const { root, spec, look } = await study(t);
  const inner = localRoot(root);
  let hashed = 0;
  const counting: Root = {
    ...inner,
    digest(paths, algorithm) {
      hashed += paths.length;
      return inner.digest(paths, algorithm);
    },
  };
  const verdict = await look(spec, {}, counting);
  assert.equal(verdict.equal, true);
  assert.equal(hashed, 0);
});
