import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { parse } from 'valibot';

import { fakeAnnex, fakeKey, fakeUuid, gitIn, type FakeAnnex } from '../../../test/fakes/annex.ts';
import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { serve } from '../../../test/fakes/serve.ts';
import { fetchAll } from '../../archives/fetch.ts';
import { openStore } from '../../archives/store.ts';
import type { CreateContext, Distribution } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { objectPath } from '../../toolkits/vcs/annex/key.ts';
import type { GitLock, GitSpec } from '../../toolkits/vcs/repository/spec.ts';
import { datalad } from '../datalad/index.ts';
import { git } from '../git/index.ts';
import { annex } from './index.ts';

const used = 'used and locked\n';
const files: FakeAnnex = {
  locked: { 'data/in.dat': used, 'unused.dat': 'not used\n' },
  unlocked: { 'free.txt': 'unlocked\n', 'idle.txt': 'not used either\n' },
  plain: { 'code.py': 'pass\n' },
};
const object = objectPath(fakeKey('data/in.dat', used));

async function traced(t: TestContext, made: FakeAnnex = files, distribution: Distribution<GitSpec, GitLock> = annex) {
  const all = contexts(t);
  const top = join(all.folder, 'root/ds');
  await fakeAnnex(top, made);
  const root = localRoot(join(all.folder, 'root'));
  const describe = async (...paths: string[]) => {
    const owned = await distribution.claim(paths, root, all.tracing);
    const { distributions, notes } = await distribution.describe(owned, root, all.tracing);
    const [one] = distributions;
    const spec = parse(distribution.schema, JSON.parse(JSON.stringify(one?.spec)));
    const lock = parse(distribution.lockSchema, { of: `sha256:${'0'.repeat(64)}`, ...one?.lock });
    return { spec, lock, notes };
  };
  return { ...all, top, root, describe };
}

/** What really fetches, into a store that has nothing but what is named. */
function fetching(t: TestContext, { creating, folder }: ReturnType<typeof contexts>): CreateContext {
  const signal = AbortSignal.timeout(30_000);
  t.after(() => rmSync(join(folder, 'fetch'), { recursive: true, force: true }));
  return {
    ...creating,
    fetch: async (wanted) =>
      await fetchAll(wanted, { store: creating.store, signal, onProgress: () => {}, work: join(folder, 'fetch') }),
  };
}

test('content that was used comes back under its key, locked and unlocked; other content does not', async (t) => {
  const place = await traced(t);
  const { spec, lock, notes } = await place.describe(
    '/ds/data/in.dat',
    `/ds/.git/${object}`,
    '/ds/free.txt',
    '/ds/code.py',
    '/ds/unused.dat',
  );
  assert.deepEqual(notes, []);
  assert.deepEqual([spec.get, spec.changes], [['data/in.dat', 'free.txt'], undefined]);
  assert.deepEqual(lock.keys?.map(({ paths, unlocked, kept }) => [paths, unlocked, kept]).sort(), [
    [['data/in.dat'], undefined, true],
    [['free.txt'], ['free.txt'], true],
  ]);
  const prepared = await annex.prepare?.(spec, lock, place.creating);
  assert.deepEqual(prepared?.missing, []);
  assert.deepEqual(
    (await annex.prepare?.(spec, lock, place.creating))?.made,
    prepared?.made,
    'the same bytes each time',
  );
  const made = join(place.folder, 'made');
  await unpackSteps(annex.plan(spec, lock, prepared?.made ?? {}), made, place.store);

  assert.equal(readFileSync(join(made, 'ds/data/in.dat'), 'utf8'), used);
  assert.equal(readFileSync(join(made, 'ds/free.txt'), 'utf8'), 'unlocked\n');
  assert.match(readFileSync(join(made, 'ds/idle.txt'), 'utf8'), /^\/annex\/objects\/SHA256E-s16--[0-9a-f]{64}\.txt\n$/);
  assert.equal(existsSync(join(made, 'ds/unused.dat')), false);
  assert.ok(lstatSync(join(made, 'ds/unused.dat')).isSymbolicLink());
  assert.equal(statSync(join(made, 'ds/.git', object)).mode & 0o7777, 0o444);
  for (const ref of ['HEAD', 'git-annex'])
    assert.equal(await gitIn(join(made, 'ds'), 'rev-parse', ref), await gitIn(place.top, 'rev-parse', ref));
  const uuid = await gitIn(join(made, 'ds'), 'config', 'annex.uuid');
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}\n$/);
  assert.notEqual(uuid.trim(), fakeUuid);

  const there = localRoot(made);
  assert.deepEqual((await annex.observe(spec, there, place.tracing)).packages, annex.packages(spec, lock));
  const check = async () =>
    (await annex.check?.(spec, lock, there, place.tracing))?.differing.map(({ path, kind }) => `${kind} ${path}`);
  assert.deepEqual(await check(), []);

  // got later: what is right is right, what is not is found, as git annex fsck does
  const later = join(made, 'ds/.git', objectPath(fakeKey('unused.dat', 'not used\n')));
  mkdirSync(dirname(later), { recursive: true });
  writeFileSync(later, 'not used\n');
  writeFileSync(join(made, 'ds/idle.txt'), 'not used either\n');
  assert.deepEqual(await check(), []);
  writeFileSync(later, 'not_used\n');
  writeFileSync(join(made, 'ds/code.py'), 'fail\n');
  chmodSync(join(made, 'ds/.git', object), 0o644);
  writeFileSync(join(made, 'ds/.git', object), 'flipped and locked\n');
  assert.deepEqual(
    await check(),
    [`changed ${later.slice(made.length)}`, `changed /ds/.git/${object}`, 'changed /ds/code.py'].sort(),
  );
});

test('a change of an unlocked file is one, what git-annex filled in is none', async (t) => {
  const place = await traced(t);
  writeFileSync(join(place.top, 'idle.txt'), 'changed by hand\n');
  const { spec, lock } = await place.describe('/ds/free.txt', '/ds/idle.txt');
  assert.equal(spec.changes, 1);
  assert.deepEqual(spec.get, ['free.txt']);
  const prepared = await annex.prepare?.(spec, lock, place.creating);
  await unpackSteps(annex.plan(spec, lock, prepared?.made ?? {}), join(place.folder, 'made'), place.store);
  assert.equal(readFileSync(join(place.folder, 'made/ds/idle.txt'), 'utf8'), 'changed by hand\n');
});

test('content that is not kept comes from the web, a sibling, or the same place, by its sha256', async (t) => {
  const place = await traced(t);
  const { spec, lock } = await place.describe('/ds/data/in.dat', `/ds/.git/${object}`);
  const [row] = lock.keys ?? [];
  assert.ok(row);
  const { kept: _, ...loose } = row;
  const store = openStore(join(place.folder, 'other'));
  const context = fetching(t, { ...place, creating: { ...place.creating, store } });
  for (const ref of annex.contents(spec, lock).kept) {
    const file = ref.sha256 === row.sha256 ? undefined : await place.store.find(ref.sha256);
    if (file !== undefined) await store.addFile(file);
  }
  const attempt = async (change: Partial<GitSpec>, urls: readonly string[], trusted = false) => {
    const prepared = await annex.prepare?.(
      { ...spec, ...change },
      { ...lock, keys: [{ ...loose, urls }] },
      { ...context, trusted },
    );
    await store.remove(row.sha256);
    return prepared;
  };
  const served = await serve(join(place.folder, 'served'));
  t.after(async () => await served[Symbol.asyncDispose]());
  mkdirSync(join(place.folder, 'served'), { recursive: true });
  writeFileSync(join(place.folder, 'served/in.dat'), used);
  writeFileSync(join(place.folder, 'served/wrong.dat'), 'used and locker\n');
  cpSync(join(place.top, '.git/annex/objects'), join(place.folder, 'served/ds/.git/annex/objects'), {
    recursive: true,
  });

  const nowhere = await attempt({}, []);
  assert.equal(nowhere?.missing[0]?.what, 'data/in.dat of /ds');
  assert.deepEqual((await attempt({}, [`${served.url}/in.dat`]))?.from, { web: 1, stored: 1 });
  assert.deepEqual((await attempt({ remote: `${served.url}/ds` }, []))?.from, { remote: 1, stored: 1 });
  const wrong = await attempt({}, [`${served.url}/wrong.dat`]);
  assert.match(JSON.stringify(wrong?.missing), /has other content/);
  // a stranger's spec names no path of this machine
  assert.equal((await attempt({ path: place.top }, []))?.missing.length, 1);
  assert.deepEqual((await attempt({ path: place.top }, [], true))?.from, { 'this machine': 1, stored: 1 });
});

test('special remotes are named, their secrets are not', async (t) => {
  const uuid = '0bd5a5a2-6c0f-4c8e-9d3d-6f0c0b1f8a11';
  const other = '0bd5a5a2-6c0f-4c8e-9d3d-6f0c0b1f8a12';
  const place = await traced(t, {
    ...files,
    remoteLog: [
      `${uuid} bucket=b cipher=Y2lwaGVy encryption=none name=store publicurl=https://store.example.org/b s3creds=c2VjcmV0 timestamp=1700000000s type=S3`,
      `${other} encryption=shared cipher=Y2lwaGVy externaltype=ora name=ria type=external url=ria+https://me:secret@ria.example.org timestamp=1700000000s`,
      'nonsense',
      '',
    ].join('\n'),
    urls: {
      'data/in.dat': 'https://data.example.org/in.dat',
      'free.txt': 'https://data.example.org/free?token=secret',
    },
  });
  const { spec, lock } = await place.describe('/ds/data/in.dat', `/ds/.git/${object}`, '/ds/free.txt');
  assert.deepEqual(spec.special, [
    { name: 'ria', type: 'ora', uuid: other },
    { name: 'store', type: 'S3', uuid, url: 'https://store.example.org/b' },
  ]);
  assert.deepEqual(lock.keys?.map(({ paths, urls, at }) => [paths, urls, at]).sort(), [
    [['data/in.dat'], ['https://data.example.org/in.dat'], ['web']],
    [['free.txt'], undefined, undefined],
  ]);
  assert.doesNotMatch(JSON.stringify([spec, lock]), /secret|cipher|creds/i);
});

test('each dataset is an entry of its own, also within others and in git’s folder for modules', async (t) => {
  const dataset = { '.datalad/config': '[datalad "dataset"]\n\tid = 557a9bbd-9a7e-46f9-ad7d-fece6fb4ec17\n' };
  const place = await traced(t, { locked: { 'top.dat': 'top\n' }, plain: dataset }, datalad);
  const inner = join(place.folder, 'inner');
  await fakeAnnex(inner, { locked: { 'in.dat': used }, plain: dataset });
  const config = ['-c', 'protocol.file.allow=always'];
  await gitIn(place.top, ...config, 'submodule', 'add', '-q', inner, 'sub');
  await gitIn(place.top, ...config, 'submodule', 'add', '-q', inner, 'plain');
  await gitIn(place.top, 'commit', '-q', '-m', 'modules');
  // as git-annex has it: a link, so that links into the annex lead there
  rmSync(join(place.top, 'sub/.git'));
  renameSync(join(place.top, '.git/modules/sub'), join(place.top, '.git/modules/moved'));
  await gitIn(place.folder, 'clone', '-q', inner, join(place.folder, 'clone'));
  rmSync(join(place.top, '.git/modules/moved'), { recursive: true });
  cpSync(join(place.folder, 'clone/.git'), join(place.top, '.git/modules/sub'), { recursive: true });
  cpSync(join(inner, '.git/annex'), join(place.top, '.git/modules/sub/annex'), { recursive: true });
  symlinkSync('../.git/modules/sub', join(place.top, 'sub/.git'));
  const at = `/ds/.git/modules/sub/${objectPath(fakeKey('in.dat', used))}`;
  const owned = await datalad.claim(['/ds/.datalad/config', '/ds/sub/in.dat', at], place.root, place.tracing);
  assert.deepEqual(
    [...owned].map(([path, [owner]]) => [path, owner?.key]),
    [
      ['/ds/.datalad/config', '/ds'],
      ['/ds/sub/in.dat', '/ds/sub'],
      [at, '/ds/sub'],
    ],
  );
  assert.equal((await git.claim([...owned.keys()], place.root, place.tracing)).size, 0);
  const { distributions } = await datalad.describe(owned, place.root, place.tracing);
  assert.deepEqual(
    distributions.map(({ spec }) => [spec.path, spec.get, spec.submodules]),
    [
      ['/ds', undefined, undefined],
      ['/ds/sub', ['in.dat'], undefined],
    ],
  );
  for (const { spec, lock: bare } of distributions) {
    const lock = { of: `sha256:${'0'.repeat(64)}` as const, ...bare };
    const prepared = await datalad.prepare?.(spec, lock, place.creating);
    await unpackSteps(datalad.plan(spec, lock, prepared?.made ?? {}), join(place.folder, 'made'), place.store);
    const checked = await datalad.check?.(spec, lock, localRoot(join(place.folder, 'made')), place.tracing);
    assert.deepEqual(checked?.differing, []);
  }
  assert.equal(readFileSync(join(place.folder, 'made/ds/sub/in.dat'), 'utf8'), used);
  assert.equal(
    await gitIn(join(place.folder, 'made/ds'), 'status', '--porcelain', '--ignore-submodules=untracked'),
    '',
  );
});

test('an edit names annexed files, and moves to another commit', () => {
  const spec: GitSpec = { type: 'annex', path: '/ds', commit: 'a'.repeat(40), branch: 'main', changes: 1, get: ['a'] };
  assert.deepEqual(annex.edit?.(spec, { install: ['b/c', 'a'] }).get, ['a', 'b/c']);
  assert.equal(annex.edit?.(spec, { uninstall: ['a'] }).get, undefined);
  assert.deepEqual(annex.edit?.(spec, { upgrade: true }), { type: 'annex', path: '/ds', branch: 'main', get: ['a'] });
  assert.equal(annex.edit?.(spec, { upgrade: ['topic'] }).branch, 'topic');
  assert.throws(() => annex.edit?.(spec, { uninstall: ['x'] }), /x is not among/);
});

test('a loose entry is resolved: commit, keys of the files that are to be got, and where they are', async (t) => {
  const { folder, creating, store } = contexts(t);
  const published = join(folder, 'served/ds');
  await fakeAnnex(published, files);
  await gitIn(published, 'update-server-info');
  const served = await serve(join(folder, 'served'));
  t.after(async () => await served[Symbol.asyncDispose]());
  const remote = `${served.url}/ds/.git`;
  const wish = parse(annex.schema, {
    type: 'annex',
    path: '/data',
    remote,
    branch: 'main',
    get: ['data/in.dat', 'free.txt'],
  });
  const context = fetching(t, { folder, creating, store } as ReturnType<typeof contexts>);
  const lock = { of: `sha256:${'0'.repeat(64)}` as const, ...(await annex.resolve?.(wish, undefined, context, [])) };
  assert.equal(`${lock.commit}\n`, await gitIn(published, 'rev-parse', 'HEAD'));
  assert.deepEqual(
    lock.keys?.map(({ key, paths, unlocked }) => [key, paths, unlocked]),
    [
      [fakeKey('data/in.dat', used), ['data/in.dat'], undefined],
      [fakeKey('free.txt', 'unlocked\n'), ['free.txt'], ['free.txt']],
    ],
  );
  const prepared = await annex.prepare?.(wish, lock, context);
  assert.deepEqual([prepared?.missing, prepared?.from], [[], { remote: 3 }]);
  await unpackSteps(annex.plan(wish, lock, prepared?.made ?? {}), join(folder, 'made'), store);
  assert.equal(readFileSync(join(folder, 'made/data/data/in.dat'), 'utf8'), used);
  assert.equal(readFileSync(join(folder, 'made/data/free.txt'), 'utf8'), 'unlocked\n');
  assert.equal(statSync(join(folder, 'made/data/.git', object)).mode & 0o7777, 0o444);
  const same = await annex.resolve?.(wish, lock, creating, []);
  assert.deepEqual(same?.keys, lock.keys, 'what is held stays');
  const odd = { ...wish, get: ['code.py'] };
  await assert.rejects(annex.resolve?.(odd, undefined, context, []) ?? Promise.resolve(), /code.py is no annexed file/);
});
